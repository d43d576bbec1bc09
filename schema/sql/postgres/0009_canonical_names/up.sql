-- What the user names of people with global roles look like (UTS #39 skeletons), so that a new user name that looks like
-- an administrator's is found by one indexed query. The program fills it, since SQL cannot; see store/canonical_names.rs.
ALTER TABLE users ADD COLUMN user_name_skeleton TEXT;
CREATE INDEX users_by_skeleton ON users (user_name_skeleton) WHERE user_name_skeleton IS NOT NULL;
