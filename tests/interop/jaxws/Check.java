import gateway.*;
import java.net.URL;
import java.util.List;

/** JAX-WS with the stubs that wsimport makes of ?wsdl. */
public class Check extends Results {
    private static final String PERSON = "J\u00e1va \u0170";
    private final ChaingunUserAPI port;
    private final RequestMetaV1 meta = new RequestMetaV1();

    Check(String url) throws Exception {
        super("jax-ws");
        port = new ChaingunUserAPIService(new URL(url + "?wsdl")).getChaingunUserAPIPort();
        meta.setClientHashKey("demo-hash-key");
    }

    static void successful(ResponseStatusV1 status) {
        equal(status.getCode(), 0);
        equal(status.getMessages().getMessage().size(), 0);
    }

    FindUsersRequestV1 find(String userName) {
        FindUsersRequestV1 find = new FindUsersRequestV1();
        find.setRequestMeta(meta);
        find.setUserName(userName);
        return find;
    }

    ShowUserRequestV1 show(String userName) {
        ShowUserRequestV1 show = new ShowUserRequestV1();
        show.setRequestMeta(meta);
        show.setUserName(userName);
        return show;
    }

    UserDataV1 modified(UserChangeV1 user) throws Exception {
        user.setUserName("java");
        ModifyUserRequestV1 modify = new ModifyUserRequestV1();
        modify.setRequestMeta(meta);
        modify.setUser(user);
        ModifyUserResponseV1 answer = port.modifyUser(modify);
        successful(answer.getStatus());
        return answer.getUser();
    }

    static AuthenticateRequestV1 credentials(String userName, String password) {
        AuthenticateRequestV1 in = new AuthenticateRequestV1();
        in.setUserNameOrEmail(userName);
        in.setPassword(password);
        return in;
    }

    static RolesV1 roles(String... names) {
        RolesV1 roles = new RolesV1();
        roles.getRole().addAll(List.of(names));
        return roles;
    }

    void findUsers() throws Exception {
        FindUsersRequestV1 find = find("MAKI");
        find.setLimit(5);
        FindUsersResponseV1 found = port.findUsers(find);
        successful(found.getStatus());
        equal(found.getTotal() + found.getUsers().get(0).getUserName(), "1hakapeszimaki");
    }

    void showUser() throws Exception {
        ShowUserResponseV1 shown = port.showUser(show("mokamiki"));
        successful(shown.getStatus());
        UserV1 user = shown.getUser();
        equal(List.of(user.getClientName(), user.getEmail(), user.getName(), user.getOrganizationalUnit(), user.getStatus(),
                user.getUserName(), user.getRoles().size()),
            List.of("Default", "moka.miklos@dbx.hu", "M\u00f3ka Mikl\u00f3s", "zsebtv", "ACTIVE", "mokamiki", 2));
    }

    void createUser() throws Exception {
        UserDataV1 user = new UserDataV1();
        user.setUserName("java");
        user.setName(PERSON);
        user.setEmail("java@dbx.hu");
        user.setRoles(roles("a", "b"));
        CreateUserRequestV1 create = new CreateUserRequestV1();
        create.setRequestMeta(meta);
        create.setUser(user);
        CreateUserResponseV1 made = port.createUser(create);
        successful(made.getStatus());
        equal(made.getUser().getName() + made.getUser().getStatus(), PERSON + "UNACTIVATED");
    }

    void modifyUser() throws Exception {
        UserChangeV1 user = new UserChangeV1();
        user.setOrganizationalUnit("java");
        user.setStatus("ACTIVE");
        UserDataV1 changed = modified(user);
        equal(List.of(changed.getOrganizationalUnit(), changed.getStatus(), changed.getName()), List.of("java", "ACTIVE", PERSON));
    }

    void registerUser() throws Exception {
        RegisterUserRequestV1 register = new RegisterUserRequestV1();
        register.setUsername("java-r");
        register.setPassword("ValaKi1234");
        register.setName(PERSON);
        register.setEmail("r-java@dbx.hu");
        successful(port.registerUser(register).getStatus());
    }

    void resetPassword() throws Exception {
        ResetPasswordRequestV1 reset = new ResetPasswordRequestV1();
        reset.setUserNameOrEmail("java");
        successful(port.resetPassword(reset).getStatus());
    }

    void changePassword() throws Exception {
        ChangePasswordRequestV1 change = new ChangePasswordRequestV1();
        change.setUserName("hakapeszimaki");
        change.setOldPassword("passWORD123");
        change.setPassword("passWORD123");
        successful(port.changePassword(change).getStatus());
    }

    void authenticate() throws Exception {
        AuthenticateResponseV1 in = port.authenticate(credentials("mokamiki", "MokaMiki-1234"));
        successful(in.getStatus());
        equal(in.getUser().getUserName(), "mokamiki");
    }

    void lists() throws Exception {
        FindUsersRequestV1 find = find("ki");
        StatusesV1 statuses = new StatusesV1();
        statuses.getStatus().addAll(List.of("ACTIVE", "INACTIVE"));
        find.setStatuses(statuses);
        List<UserV1> users = port.findUsers(find).getUsers();
        equal(List.of(users.get(0).getRoles(), users.get(1).getRoles()),
            List.of(List.of("csokifogyaszto"), List.of("majomidomar", "csokidealer")));
        UserChangeV1 user = new UserChangeV1();
        user.setRoles(roles("c", "d"));
        equal(modified(user).getRoles().getRole(), List.of("c", "d"));
    }

    void params() throws Exception {
        AuthenticateRequestV1 in = credentials("hakapeszimaki", "passWORD123");
        AuthenticateResponseV1 choice = port.authenticate(in);
        equal(choice.getStatus().getCode() + choice.getParams().get(0).getKey(), "2GRANTED_ORGS");
        ParamsV1 params = new ParamsV1();
        for (String[] pair : new String[][] {{"OTHER", "x"}, {"USER_ORG_UUID", "moby"}}) {
            ParamV1 param = new ParamV1();
            param.setKey(pair[0]);
            param.setValue(pair[1]);
            params.getParam().add(param);
        }
        in.setParams(params);
        ParamV1 token = port.authenticate(in).getParams().get(0);
        equal(token.getKey() + token.getValue().substring(0, 4), "P_AUTH_TOKENJWT ");
    }

    void refusal() throws Exception {
        ResponseStatusV1 status = port.showUser(show("nobody")).getStatus();
        MessageV1 message = status.getMessages().getMessage().get(0);
        equal(List.of(status.getCode(), message.getSeverity(), message.getCode()), List.of(2, "ERROR", "USER_NOT_FOUND"));
        equal(message.getDescription().isEmpty(), false);
    }

    void fault() throws Exception {
        try {
            port.showUser(show(longText()));
        } catch (GatewayFault fault) {
            equal(fault.getFaultInfo().getCode(), "MALFORMED");
            equal(fault.getMessage().isEmpty(), false);
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
