import gateway.*;
import java.net.URL;
import java.util.Arrays;
import java.util.List;

/** Axis 1.4 with the stubs that WSDL2Java makes of ?wsdl. */
public class Check extends Results {
    private static final String PERSON = "\u00c1xis \u0170";
    private final ChaingunUserAPI port;
    private final RequestMeta_V1 meta = new RequestMeta_V1();

    Check(String url) throws Exception {
        super("axis");
        port = new ChaingunUserAPIServiceLocator().getChaingunUserAPIPort(new URL(url));
        meta.setClientHashKey("demo-hash-key");
    }

    static void successful(ResponseStatus_V1 status) {
        equal(status.getCode(), 0);
        equal(status.getMessages().length, 0);
    }

    FindUsersRequest_V1 find(String userName) {
        FindUsersRequest_V1 find = new FindUsersRequest_V1();
        find.setRequestMeta(meta);
        find.setUserName(userName);
        return find;
    }

    ShowUserRequest_V1 show(String userName) {
        ShowUserRequest_V1 show = new ShowUserRequest_V1();
        show.setRequestMeta(meta);
        show.setUserName(userName);
        return show;
    }

    UserData_V1 modified(UserChange_V1 user) throws Exception {
        user.setUserName("axis");
        ModifyUserRequest_V1 modify = new ModifyUserRequest_V1();
        modify.setRequestMeta(meta);
        modify.setUser(user);
        ModifyUserResponse_V1 answer = port.modifyUser(modify);
        successful(answer.getStatus());
        return answer.getUser();
    }

    static AuthenticateRequest_V1 credentials(String userName, String password) {
        AuthenticateRequest_V1 in = new AuthenticateRequest_V1();
        in.setUserNameOrEmail(userName);
        in.setPassword(password);
        return in;
    }

    void findUsers() throws Exception {
        FindUsersRequest_V1 find = find("MAKI");
        find.setLimit(5);
        FindUsersResponse_V1 found = port.findUsers(find);
        successful(found.getStatus());
        equal(found.getTotal() + found.getUsers(0).getUserName(), "1hakapeszimaki");
    }

    void showUser() throws Exception {
        ShowUserResponse_V1 shown = port.showUser(show("mokamiki"));
        successful(shown.getStatus());
        User_V1 user = shown.getUser();
        equal(List.of(user.getClientName(), user.getEmail(), user.getName(), user.getOrganizationalUnit(), user.getStatus(),
                user.getUserName(), user.getRoles().length),
            List.of("Default", "moka.miklos@dbx.hu", "M\u00f3ka Mikl\u00f3s", "zsebtv", "ACTIVE", "mokamiki", 2));
    }

    void createUser() throws Exception {
        UserData_V1 user = new UserData_V1();
        user.setUserName("axis");
        user.setName(PERSON);
        user.setEmail("axis@dbx.hu");
        user.setRoles(new String[] {"a", "b"});
        CreateUserRequest_V1 create = new CreateUserRequest_V1();
        create.setRequestMeta(meta);
        create.setUser(user);
        CreateUserResponse_V1 made = port.createUser(create);
        successful(made.getStatus());
        equal(made.getUser().getName() + made.getUser().getStatus(), PERSON + "UNACTIVATED");
    }

    void modifyUser() throws Exception {
        UserChange_V1 user = new UserChange_V1();
        user.setOrganizationalUnit("axis");
        user.setStatus("ACTIVE");
        UserData_V1 changed = modified(user);
        equal(List.of(changed.getOrganizationalUnit(), changed.getStatus(), changed.getName()), List.of("axis", "ACTIVE", PERSON));
    }

    void registerUser() throws Exception {
        RegisterUserRequest_V1 register = new RegisterUserRequest_V1();
        register.setUsername("axis-r");
        register.setPassword("ValaKi1234");
        register.setName(PERSON);
        register.setEmail("r-axis@dbx.hu");
        successful(port.registerUser(register).getStatus());
    }

    void resetPassword() throws Exception {
        ResetPasswordRequest_V1 reset = new ResetPasswordRequest_V1();
        reset.setUserNameOrEmail("axis");
        successful(port.resetPassword(reset).getStatus());
    }

    void changePassword() throws Exception {
        ChangePasswordRequest_V1 change = new ChangePasswordRequest_V1();
        change.setUserName("hakapeszimaki");
        change.setOldPassword("passWORD123");
        change.setPassword("passWORD123");
        successful(port.changePassword(change).getStatus());
    }

    void authenticate() throws Exception {
        AuthenticateResponse_V1 in = port.authenticate(credentials("mokamiki", "MokaMiki-1234"));
        successful(in.getStatus());
        equal(in.getUser().getUserName(), "mokamiki");
    }

    void lists() throws Exception {
        FindUsersRequest_V1 find = find("ki");
        find.setStatuses(new String[] {"ACTIVE", "INACTIVE"});
        User_V1[] users = port.findUsers(find).getUsers();
        equal(List.of(Arrays.asList(users[0].getRoles()), Arrays.asList(users[1].getRoles())),
            List.of(List.of("csokifogyaszto"), List.of("majomidomar", "csokidealer")));
        UserChange_V1 user = new UserChange_V1();
        user.setRoles(new String[] {"c", "d"});
        equal(Arrays.asList(modified(user).getRoles()), List.of("c", "d"));
    }

    void params() throws Exception {
        AuthenticateRequest_V1 in = credentials("hakapeszimaki", "passWORD123");
        AuthenticateResponse_V1 choice = port.authenticate(in);
        equal(choice.getStatus().getCode() + choice.getParams(0).getKey(), "2GRANTED_ORGS");
        in.setParams(new Param_V1[] {new Param_V1("OTHER", "x"), new Param_V1("USER_ORG_UUID", "moby")});
        Param_V1 token = port.authenticate(in).getParams(0);
        equal(token.getKey() + token.getValue().substring(0, 4), "P_AUTH_TOKENJWT ");
    }

    void refusal() throws Exception {
        ResponseStatus_V1 status = port.showUser(show("nobody")).getStatus();
        Message_V1 message = status.getMessages()[0];
        equal(List.of(status.getCode(), message.getSeverity(), message.getCode()), List.of(2, "ERROR", "USER_NOT_FOUND"));
        equal(message.getDescription().isEmpty(), false);
    }

    void fault() throws Exception {
        try {
            port.showUser(show(longText()));
        } catch (Fault_V1 fault) {
            equal(fault.getCode(), "MALFORMED");
            equal(fault.getFaultString().isEmpty(), false);
            return;
        }
        throw new AssertionError("no fault");
    }

    public static void main(String[] args) throws Exception {
        Check check = new Check(args[0]);
        check.column("generate", () -> {});
        check.column("findUsers", check::findUsers);
        check.column("showUser", check::showUser);
        check.column("createUser", check::createUser);
        check.column("modifyUser", check::modifyUser);
        check.column("registerUser", check::registerUser);
        check.column("resetPassword", check::resetPassword);
        check.column("changePassword", check::changePassword);
        check.column("authenticate", check::authenticate);
        check.column("lists", check::lists);
        check.column("params", check::params);
        check.column("refusal", check::refusal);
        check.column("fault", check::fault);
    }
}
