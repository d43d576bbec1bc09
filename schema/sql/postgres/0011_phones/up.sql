-- The compared form of the telephone number (domain/user.rs, canonical_phone), and whether somebody has verified the
-- number. `unique_phone` is the compared form of a verified number that belongs to one user alone; NULL where the
-- setting directory.unique_phones was off when the number was stored.
ALTER TABLE profiles ADD COLUMN phone_key TEXT;
ALTER TABLE profiles ADD COLUMN phone_verified BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE profiles ADD COLUMN unique_phone TEXT;
UPDATE profiles SET phone_key = replace(replace(replace(replace(replace(replace(replace(
    phone, ' ', ''), '+', ''), '-', ''), '(', ''), ')', ''), '.', ''), '/', '') WHERE phone IS NOT NULL;
UPDATE profiles SET phone_key = substr(phone_key, 3) WHERE phone_key LIKE '00%';
UPDATE profiles SET phone_key = NULL WHERE phone_key = '';
CREATE INDEX profiles_by_phone ON profiles (phone_key) WHERE phone_key IS NOT NULL;
CREATE UNIQUE INDEX profiles_by_unique_phone ON profiles (unique_phone);

-- Portals search organisations by external ID without a channel.
CREATE INDEX organisations_by_external_id_alone ON organisations (external_id_ci);
