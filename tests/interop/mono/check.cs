// Mono with the classes that wsdl.exe makes of ?wsdl.
using System;
using System.Linq;
using System.Text.RegularExpressions;
using System.Web.Services.Protocols;

static class Check {
    static readonly RequestMeta_V1 meta = new RequestMeta_V1 { clientHashKey = "demo-hash-key" };
    const string person = "Mónó Ű";
    static ChaingunUserAPIService gateway;

    // Runs one check and prints its result.
    static void Column(string name, Action check) {
        try {
            check();
            Console.WriteLine("PASS mono " + name);
        } catch (Exception error) {
            var reason = Regex.Replace(error.GetType().Name + " " + error.Message, @"\s+", " ");
            Console.WriteLine("FAIL mono " + name + ": " + reason.Substring(0, Math.Min(300, reason.Length)));
        }
    }

    static void Equal(object found, object wanted) {
        if (!wanted.Equals(found)) throw new Exception(found + ", not " + wanted);
    }

    static void Successful(ResponseStatus_V1 status) {
        Equal(status.code, 0);
        Equal(status.messages.Length, 0);
    }

    static void FindUsers() {
        var request = new FindUsersRequest_V1 { requestMeta = meta, userName = "MAKI", limit = 5, limitSpecified = true };
        var found = gateway.findUsers(request);
        Successful(found.status);
        Equal(found.total + found.users[0].userName, "1hakapeszimaki");
    }

    static void ShowUser() {
        var shown = gateway.showUser(new ShowUserRequest_V1 { requestMeta = meta, userName = "mokamiki" });
        Successful(shown.status);
        var user = shown.user;
        var fields = new[] { user.clientName, user.email, user.name, user.organizationalUnit, user.status, user.userName };
        Equal(string.Join("|", fields), "Default|moka.miklos@dbx.hu|Móka Miklós|zsebtv|ACTIVE|mokamiki");
        Equal(user.roles.Length, 2);
    }

    static void CreateUser() {
        var user = new UserData_V1 { userName = "mono", name = person, email = "mono@dbx.hu", roles = new[] { "a", "b" } };
        var made = gateway.createUser(new CreateUserRequest_V1 { requestMeta = meta, user = user });
        Successful(made.status);
        Equal(made.user.name + made.user.status, person + "UNACTIVATED");
    }

    static UserData_V1 Modified(UserChange_V1 user) {
        user.userName = "mono";
        var changed = gateway.modifyUser(new ModifyUserRequest_V1 { requestMeta = meta, user = user });
        Successful(changed.status);
        return changed.user;
    }

    static void ModifyUser() {
        var changed = Modified(new UserChange_V1 { organizationalUnit = "cs", status = "ACTIVE" });
        Equal(changed.organizationalUnit + changed.status + changed.name, "csACTIVE" + person);
    }

    static void RegisterUser() {
        Successful(gateway.registerUser(new RegisterUserRequest_V1 {
            username = "mono-r", password = "ValaKi1234", name = person, email = "r-mono@dbx.hu",
        }).status);
    }

    static void ResetPassword() {
        Successful(gateway.resetPassword(new ResetPasswordRequest_V1 { userNameOrEmail = "mono" }).status);
    }

    static void ChangePassword() {
        Successful(gateway.changePassword(new ChangePasswordRequest_V1 {
            userName = "hakapeszimaki", oldPassword = "passWORD123", password = "passWORD123",
        }).status);
    }

    static void Authenticate() {
        var request = new AuthenticateRequest_V1 { userNameOrEmail = "mokamiki", password = "MokaMiki-1234" };
        var signedIn = gateway.authenticate(request);
        Successful(signedIn.status);
        Equal(signedIn.user.userName, "mokamiki");
    }

    static void Lists() {
        var request = new FindUsersRequest_V1 { requestMeta = meta, userName = "ki", statuses = new[] { "ACTIVE", "INACTIVE" } };
        var roles = gateway.findUsers(request).users.Select(user => string.Join(" ", user.roles));
        Equal(string.Join("|", roles), "csokifogyaszto|majomidomar csokidealer");
        Equal(string.Join(" ", Modified(new UserChange_V1 { roles = new[] { "c", "d" } }).roles), "c d");
    }

    static void Params() {
        var request = new AuthenticateRequest_V1 { userNameOrEmail = "hakapeszimaki", password = "passWORD123" };
        var choice = gateway.authenticate(request);
        Equal(choice.status.code + choice.@params[0].key, "2GRANTED_ORGS");
        request.@params = new[] {
            new Param_V1 { key = "OTHER", value = "x" }, new Param_V1 { key = "USER_ORG_UUID", value = "moby" },
        };
        var token = gateway.authenticate(request).@params[0];
        Equal(token.key + token.value.Substring(0, 4), "P_AUTH_TOKENJWT ");
    }

    static void Refusal() {
        var status = gateway.showUser(new ShowUserRequest_V1 { requestMeta = meta, userName = "nobody" }).status;
        var message = status.messages[0];
        Equal(status.code + message.severity + message.code, "2ERRORUSER_NOT_FOUND");
        Equal(message.description == "", false);
    }

    static void Fault() {
        try {
            gateway.showUser(new ShowUserRequest_V1 { requestMeta = meta, userName = new string('a', 70000) });
        } catch (SoapException fault) {
            Equal(fault.Code.Name, "Client");
            Equal(fault.Message == "", false);
            Equal(fault.Detail.InnerText.StartsWith("MALFORMED"), true);
            return;
        }
        throw new Exception("no fault");
    }

    static void Main(string[] arguments) {
        Column("generate", () => gateway = new ChaingunUserAPIService { Url = arguments[0] });
        Column("findUsers", FindUsers);
        Column("showUser", ShowUser);
        Column("createUser", CreateUser);
        Column("modifyUser", ModifyUser);
        Column("registerUser", RegisterUser);
        Column("resetPassword", ResetPassword);
        Column("changePassword", ChangePassword);
        Column("authenticate", Authenticate);
        Column("lists", Lists);
        Column("params", Params);
        Column("refusal", Refusal);
        Column("fault", Fault);
    }
}
