// JAX-WS, with the stubs wsimport makes of ?wsdl: the named operations, each field, a refusal and a fault.
import gateway.*;
import java.net.URL;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Collections;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.handler.MessageContext;

public class Check {
    static void check(String what, Object found, Object wanted) {
        if (!wanted.equals(found)) {
            throw new AssertionError(what + ": " + found + ", not " + wanted);
        }
    }

    public static void main(String[] args) throws Exception {
        ChaingunUserAPIService service = new ChaingunUserAPIService(new URL(args[0] + "?wsdl"));
        ChaingunUserAPI port = service.getChaingunUserAPIPort();
        RequestMetaV1 meta = new RequestMetaV1();
        meta.setClientHashKey("demo-hash-key");

        ShowUserRequestV1 show = new ShowUserRequestV1();
        show.setRequestMeta(meta);
        show.setUserName("mokamiki");
        UserV1 user = port.showUser(show).getUser();
        check("showUser", Arrays.asList(user.getClientName(), user.getEmail(), user.getName(),
                user.getOrganizationalUnit(), user.getRoles(), user.getStatus(), user.getUserName()),
            Arrays.asList("Default", "moka.miklos@dbx.hu", "M\u00f3ka Mikl\u00f3s", "zsebtv",
                Arrays.asList("majomidomar", "csokidealer"), "ACTIVE", "mokamiki"));

        FindUsersRequestV1 find = new FindUsersRequestV1();
        find.setRequestMeta(meta);
        find.setEmail("hakapeszi");
        FindUsersResponseV1 found = port.findUsers(find);
        check("findUsers", found.getTotal(), 1);
        check("its roles", found.getUsers().get(0).getRoles(), List.of("csokifogyaszto"));

        CreateUserRequestV1 create = new CreateUserRequestV1();
        create.setRequestMeta(meta);
        UserDataV1 data = new UserDataV1();
        data.setUserName("java");
        data.setName("J\u00e1va");
        data.setEmail("java@dbx.hu");
        RolesV1 roles = new RolesV1();
        roles.getRole().add("a");
        data.setRoles(roles);
        create.setUser(data);
        check("createUser", port.createUser(create).getUser().getStatus(), "UNACTIVATED");

        ModifyUserRequestV1 modify = new ModifyUserRequestV1();
        modify.setRequestMeta(meta);
        roles.getRole().add("b");
        UserChangeV1 change = new UserChangeV1();
        change.setUserName("java");
        change.setRoles(roles);
        modify.setUser(change);
        check("modifyUser", port.modifyUser(modify).getUser().getRoles().getRole(), Arrays.asList("a", "b"));

        AuthenticateRequestV1 in = new AuthenticateRequestV1();
        in.setUserNameOrEmail("mokamiki");
        in.setPassword("MokaMiki-1234");
        AuthenticateResponseV1 signedIn = port.authenticate(in);
        check("authenticate", signedIn.getUser().getRoles(), Arrays.asList("majomidomar", "csokidealer"));
        check("its token", signedIn.getParams().get(0).getKey(), "P_AUTH_TOKEN");

        show.setUserName("nobody");
        ResponseStatusV1 refused = port.showUser(show).getStatus();
        check("refusal", refused.getCode(), 2);
        check("refusal", refused.getMessages().getMessage().get(0).getCode(), "USER_NOT_FOUND");

        try {
            StringBuilder longName = new StringBuilder();
            for (int i = 0; i < 70_000; i++) {
                longName.append('a');
            }
            show.setUserName(longName.toString());
            port.showUser(show);
            throw new AssertionError("no fault");
        } catch (GatewayFault fault) {
            check("fault", fault.getFaultInfo().getCode(), "MALFORMED");
        }
        System.out.println("JAX-WS: ok");
    }
}
