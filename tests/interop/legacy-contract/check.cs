// Mono with the classes that wsdl.exe makes of an older WSDL, which the gateway serves: check.exe URL flat|wrapped
using System;
using System.Text.RegularExpressions;
#if WRAPPED
using Service = UserDirectory;
#else
using Service = LegacyUserService;
#endif

static class Check {
    static readonly meta meta = new meta { clientHashKey = "demo-hash-key" };
    static Service gateway;
    static string client;

    // Runs one check and prints its result.
    static void Column(string name, Action check) {
        try {
            check();
            Console.WriteLine("PASS " + client + " " + name);
        } catch (Exception error) {
            var reason = Regex.Replace(error.GetType().Name + " " + error.Message, @"\s+", " ");
            Console.WriteLine("FAIL " + client + " " + name + ": " + reason.Substring(0, Math.Min(300, reason.Length)));
        }
    }

    static void Equal(object found, object wanted) {
        if (!wanted.Equals(found)) throw new Exception(found + ", not " + wanted);
    }

    static void FindUsers() {
        var statuses = new[] { "ACTIVE", "INACTIVE" };
        var found = gateway.findUsers(new findQuery { requestMeta = meta, userName = "ki", statuses = statuses });
        Equal(found.status.code, 0);
        Equal(found.total + found.users[0].userName + string.Join(",", found.users[1].roles),
            "2hakapeszimakimajomidomar,csokidealer");
    }

    static void ShowUser() {
        Equal(gateway.showUser(new showQuery { requestMeta = meta, userName = "mokamiki" }).user.name, "Móka Miklós");
    }

    static void CreateUser() {
        var user = new change { userName = client, name = "Mónó Ű", email = client + "@dbx.hu", roles = new[] { "a", "b" } };
        Equal(gateway.createUser(new personOrder { requestMeta = meta, user = user }).user.name, "Mónó Ű");
    }

    static void ModifyUser() {
        var user = new change { userName = client, organizationalUnit = "cs", roles = new[] { "c", "d" } };
        var changed = gateway.modifyUser(new personOrder { requestMeta = meta, user = user }).user;
        Equal(changed.organizationalUnit + string.Join(",", changed.roles), "csc,d");
    }

    static void RegisterUser() {
        var order = new registration { requestMeta = meta, username = client + "-r", password = "ValaKi1234", name = "Mónó",
            email = "r-" + client + "@dbx.hu" };
        Equal(gateway.registerUser(order).status.code, 0);
    }

    static void ResetPassword() {
        Equal(gateway.resetPassword(new resetOrder { requestMeta = meta, userNameOrEmail = client }).status.code, 0);
    }

    static void ChangePassword() {
        var order = new passwordOrder { requestMeta = meta, userName = "hakapeszimaki", oldPassword = "passWORD123",
            password = "passWORD123" };
        Equal(gateway.changePassword(order).status.code, 0);
    }

    static void Authenticate() {
        var choice = new[] { new pair { key = "OTHER", value = "x" }, new pair { key = "USER_ORG_UUID", value = "moby" } };
        var order = new login { requestMeta = meta, userNameOrEmail = "hakapeszimaki", password = "passWORD123", @params = choice };
        var token = gateway.authenticate(order).@params[0];
        Equal(token.key + token.value.Substring(0, 4), "P_AUTH_TOKENJWT ");
    }

    static void Refusal() {
        var status = gateway.showUser(new showQuery { requestMeta = meta, userName = "nobody" }).status;
        Equal(status.code + status.messages[0].code, "2USER_NOT_FOUND");
    }

    static void Main(string[] args) {
        client = "mono-" + args[1];
        gateway = new Service { Url = args[0] };
        Column("generate", () => {});
        Column("findUsers", FindUsers);
        Column("showUser", ShowUser);
        Column("createUser", CreateUser);
        Column("modifyUser", ModifyUser);
        Column("registerUser", RegisterUser);
        Column("resetPassword", ResetPassword);
        Column("changePassword", ChangePassword);
        Column("authenticate", Authenticate);
        Column("refusal", Refusal);
    }
}
