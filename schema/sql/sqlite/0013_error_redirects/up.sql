-- The page of a partner to which browsers are redirected that the gateway refuses; NULL for the gateway's own page.
ALTER TABLE partners ADD COLUMN error_redirect TEXT;
