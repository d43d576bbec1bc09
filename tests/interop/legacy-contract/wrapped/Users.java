package legacy;

import java.util.List;
import javax.jws.WebMethod;
import javax.jws.WebService;
import javax.xml.bind.annotation.XmlAccessType;
import javax.xml.bind.annotation.XmlAccessorType;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.bind.annotation.XmlElementWrapper;

/** ChaingunUserAPI re-typed by hand: lists in wrappers, and the default names arg0 and return. */
@WebService(name = "Users", serviceName = "UserDirectory", portName = "UserDirectoryPort", targetNamespace = "http://legacy.example/users")
public class Users {
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Pair {
        public String key;
        public String value;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Meta {
        public String clientHashKey;
        public String userName;
        @XmlElementWrapper(name = "params")
        @XmlElement(name = "entry")
        public List<Pair> params;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Note {
        public String severity;
        public String code;
        public String description;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Outcome {
        public int code;
        @XmlElementWrapper(name = "messages")
        @XmlElement(name = "message")
        public List<Note> messages;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Person {
        public String clientName;
        public String email;
        public String name;
        public String organizationalUnit;
        public String status;
        public String userName;
        @XmlElementWrapper(name = "roles")
        @XmlElement(name = "role")
        public List<String> roles;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Change {
        public String clientName;
        public String email;
        public String name;
        public String organizationalUnit;
        public String status;
        public String userName;
        public String passwordResetGuidChannel;
        @XmlElementWrapper(name = "roles")
        @XmlElement(name = "role")
        public List<String> roles;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class FindQuery {
        public Meta requestMeta;
        public String userName;
        public String name;
        public String email;
        public String sort;
        public Integer limit;
        public Integer offset;
        @XmlElementWrapper(name = "statuses")
        @XmlElement(name = "status")
        public List<String> statuses;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class ShowQuery {
        public Meta requestMeta;
        public String userName;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class PersonOrder {
        public Meta requestMeta;
        public Change user;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Registration {
        public Meta requestMeta;
        public String username;
        public String password;
        public String name;
        public String email;
        public String organizationUuid;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class ResetOrder {
        public Meta requestMeta;
        public String userNameOrEmail;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class PasswordOrder {
        public Meta requestMeta;
        public String userName;
        public String oldPassword;
        public String password;
        public String passwordResetGuid;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Login {
        public Meta requestMeta;
        public String userNameOrEmail;
        public String password;
        @XmlElementWrapper(name = "params")
        @XmlElement(name = "entry")
        public List<Pair> params;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Found {
        public Outcome status;
        @XmlElementWrapper(name = "params")
        @XmlElement(name = "entry")
        public List<Pair> params;
        public int total;
        @XmlElementWrapper(name = "users")
        @XmlElement(name = "user")
        public List<Person> users;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Shown {
        public Outcome status;
        @XmlElementWrapper(name = "params")
        @XmlElement(name = "entry")
        public List<Pair> params;
        public Person user;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Done {
        public Outcome status;
        @XmlElementWrapper(name = "params")
        @XmlElement(name = "entry")
        public List<Pair> params;
    }

    @WebMethod
    public Found findUsers(FindQuery order) {
        return null;
    }

    @WebMethod
    public Shown showUser(ShowQuery order) {
        return null;
    }

    @WebMethod
    public Shown createUser(PersonOrder order) {
        return null;
    }

    @WebMethod
    public Shown modifyUser(PersonOrder order) {
        return null;
    }

    @WebMethod
    public Shown registerUser(Registration order) {
        return null;
    }

    @WebMethod
    public Done resetPassword(ResetOrder order) {
        return null;
    }

    @WebMethod
    public Done changePassword(PasswordOrder order) {
        return null;
    }

    @WebMethod
    public Shown authenticate(Login order) {
        return null;
    }
}
