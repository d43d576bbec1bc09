import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.util.Arrays;
import java.util.List;

/**
 * Java stubs made from an older WSDL, which the gateway serves: Check jax-ws|axis flat|wrapped URL SERVICE PORT.
 *
 * The stubs of the two toolkits and of the two forms differ in their lists, so the beans are read and written by reflection.
 */
public class Check extends Results {
    private final Object port;
    private final String name;

    Check(String toolkit, String form, String url, String service, String port) throws Exception {
        super(toolkit + "-" + form);
        name = toolkit + "-" + form;
        if (toolkit.equals("axis")) {
            Object locator = Class.forName("gateway." + service + "Locator").getDeclaredConstructor().newInstance();
            this.port = locator.getClass().getMethod("get" + port, URL.class).invoke(locator, new URL(url));
        } else {
            Object made = Class.forName("gateway." + service).getConstructor(URL.class).newInstance(new URL(url + "?wsdl"));
            this.port = made.getClass().getMethod("get" + port).invoke(made);
        }
    }

    static Method getter(Object bean, String name) throws Exception {
        return bean.getClass().getMethod("get" + Character.toUpperCase(name.charAt(0)) + name.substring(1));
    }

    /** The only property of a list in a wrapper. */
    static String only(Object wrapper) {
        return Arrays.stream(wrapper.getClass().getDeclaredMethods())
            .filter(m -> m.getName().startsWith("get") && m.getParameterCount() == 0 && !Modifier.isStatic(m.getModifiers()))
            .findFirst().orElseThrow().getName().substring(3);
    }

    static Object get(Object bean, String name) throws Exception {
        return getter(bean, name).invoke(bean);
    }

    static List<?> list(Object bean, String name) throws Exception {
        Object value = get(bean, name);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List) {
            return (List<?>) value;
        }
        return value.getClass().isArray() ? Arrays.asList((Object[]) value) : list(value, only(value));
    }

    @SuppressWarnings("unchecked")
    static void set(Object bean, String name, Object value) throws Exception {
        Method getter = getter(bean, name);
        Class<?> type = getter.getReturnType();
        Object converted = value;
        if (value instanceof List) {
            List<Object> values = (List<Object>) value;
            if (type == List.class) {
                ((List<Object>) getter.invoke(bean)).addAll(values);
                return;
            }
            if (type.isArray()) {
                converted = values.toArray((Object[]) Array.newInstance(type.getComponentType(), 0));
            } else {
                converted = type.getDeclaredConstructor().newInstance();
                set(converted, only(converted), values);
            }
        }
        bean.getClass().getMethod("set" + getter.getName().substring(3), type).invoke(bean, converted);
    }

    /** A bean with these names and values. */
    static Object make(String type, Object... pairs) throws Exception {
        Object bean = Class.forName("gateway." + type).getDeclaredConstructor().newInstance();
        for (int at = 0; at < pairs.length; at += 2) {
            set(bean, (String) pairs[at], pairs[at + 1]);
        }
        return bean;
    }

    Object call(String operation, Object request, int code) throws Exception {
        set(request, "requestMeta", make("Meta", "clientHashKey", "demo-hash-key"));
        Object answer = Arrays.stream(port.getClass().getMethods())
            .filter(m -> m.getName().equals(operation) && m.getParameterCount() == 1)
            .findFirst().orElseThrow().invoke(port, request);
        equal(get(get(answer, "status"), "code"), code);
        return answer;
    }

    void findUsers() throws Exception {
        Object query = make("FindQuery", "userName", "ki", "statuses", List.of("ACTIVE", "INACTIVE"));
        Object found = call("findUsers", query, 0);
        List<?> users = list(found, "users");
        equal(List.of(get(found, "total"), get(users.get(0), "userName"), list(users.get(1), "roles")),
            List.of(2, "hakapeszimaki", List.of("majomidomar", "csokidealer")));
    }

    void showUser() throws Exception {
        Object shown = call("showUser", make("ShowQuery", "userName", "mokamiki"), 0);
        equal(get(get(shown, "user"), "name"), "M\u00f3ka Mikl\u00f3s");
    }

    void createUser() throws Exception {
        Object user = make("Change", "userName", name, "name", "J\u00e1va \u0170", "email", name + "@dbx.hu",
            "roles", List.of("a", "b"));
        Object made = call("createUser", make("PersonOrder", "user", user), 0);
        equal(get(get(made, "user"), "name"), "J\u00e1va \u0170");
    }

    void modifyUser() throws Exception {
        Object user = make("Change", "userName", name, "organizationalUnit", "java", "roles", List.of("c", "d"));
        Object changed = get(call("modifyUser", make("PersonOrder", "user", user), 0), "user");
        equal(List.of(get(changed, "organizationalUnit"), list(changed, "roles")), List.of("java", List.of("c", "d")));
    }

    void registerUser() throws Exception {
        call("registerUser", make("Registration", "username", name + "-r", "password", "ValaKi1234", "name", "J\u00e1va",
            "email", "r-" + name + "@dbx.hu"), 0);
    }

    void changePassword() throws Exception {
        call("changePassword", make("PasswordOrder", "userName", "hakapeszimaki", "oldPassword", "passWORD123",
            "password", "passWORD123"), 0);
    }

    void authenticate() throws Exception {
        List<Object> params = List.of(make("Pair", "key", "OTHER", "value", "x"),
            make("Pair", "key", "USER_ORG_UUID", "value", "moby"));
        Object answer = call("authenticate", make("Login", "userNameOrEmail", "hakapeszimaki", "password", "passWORD123",
            "params", params), 0);
        Object token = list(answer, "params").get(0);
        equal(get(token, "key") + ((String) get(token, "value")).substring(0, 4), "P_AUTH_TOKENJWT ");
    }

    void refusal() throws Exception {
        Object status = get(call("showUser", make("ShowQuery", "userName", "nobody"), 2), "status");
        equal(get(list(status, "messages").get(0), "code"), "USER_NOT_FOUND");
    }

    public static void main(String[] args) throws Exception {
        Check check = new Check(args[0], args[1], args[2], args[3], args[4]);
        check.column("generate", () -> {});
        check.column("findUsers", check::findUsers);
        check.column("showUser", check::showUser);
        check.column("createUser", check::createUser);
        check.column("modifyUser", check::modifyUser);
        check.column("registerUser", check::registerUser);
        check.column("resetPassword", () -> check.call("resetPassword", make("ResetOrder", "userNameOrEmail", check.name), 0));
        check.column("changePassword", check::changePassword);
        check.column("authenticate", check::authenticate);
        check.column("refusal", check::refusal);
    }
}
