-- `UPDATE OF` fires whenever a column is named in SET, changed or not. The search index is written only when one of its
-- texts really changed.
DROP TRIGGER users_search_update;
CREATE TRIGGER users_search_update AFTER UPDATE OF user_name_ci, name_ci, email_ci ON users
WHEN new.user_name_ci IS NOT old.user_name_ci OR new.name_ci IS NOT old.name_ci OR new.email_ci IS NOT old.email_ci BEGIN
    INSERT INTO users_search (users_search, rowid, user_name_ci, name_ci, email_ci)
    VALUES ('delete', old.id, old.user_name_ci || char(2, 2), old.name_ci || char(2, 2), old.email_ci || char(2, 2));
    INSERT INTO users_search (rowid, user_name_ci, name_ci, email_ci)
    VALUES (new.id, new.user_name_ci || char(2, 2), new.name_ci || char(2, 2), new.email_ci || char(2, 2));
END;
