-- `UPDATE OF` fires whenever a column is named in SET, changed or not. The function that counts users runs only when one of
-- them really changed. The trigram indexes need no trigger: PostgreSQL compares the values by itself.
DROP TRIGGER count_users ON users;
CREATE TRIGGER count_users AFTER INSERT OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION count_users();
CREATE TRIGGER count_users_update AFTER UPDATE OF client_name, status, user_name_ci, name_ci, email_ci ON users
    FOR EACH ROW
    WHEN ((new.client_name, new.status, new.user_name_ci, new.name_ci, new.email_ci)
        IS DISTINCT FROM (old.client_name, old.status, old.user_name_ci, old.name_ci, old.email_ci))
    EXECUTE FUNCTION count_users();
