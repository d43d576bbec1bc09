package legacy;

import java.util.List;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.WebService;
import javax.xml.bind.annotation.XmlAccessType;
import javax.xml.bind.annotation.XmlAccessorType;

/** ChaingunUserAPI re-typed by hand: flat lists, parameters with names, and an order of its own. */
@WebService(name = "UserPortType", serviceName = "LegacyUserService", portName = "LegacyUserPort", targetNamespace = "urn:legacy:users")
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
        public List<Note> messages;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Person {
        public String userName;
        public String name;
        public String email;
        public String organizationalUnit;
        public String status;
        public String clientName;
        public List<String> roles;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Change {
        public String userName;
        public String name;
        public String email;
        public String organizationalUnit;
        public String status;
        public String clientName;
        public String passwordResetGuidChannel;
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
        public List<Pair> params;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Found {
        public Outcome status;
        public List<Pair> params;
        public int total;
        public List<Person> users;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Shown {
        public Outcome status;
        public List<Pair> params;
        public Person user;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Done {
        public Outcome status;
        public List<Pair> params;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Found findUsers(@WebParam(name = "order") FindQuery order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Shown showUser(@WebParam(name = "order") ShowQuery order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Shown createUser(@WebParam(name = "order") PersonOrder order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Shown modifyUser(@WebParam(name = "order") PersonOrder order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Shown registerUser(@WebParam(name = "order") Registration order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Done resetPassword(@WebParam(name = "order") ResetOrder order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Done changePassword(@WebParam(name = "order") PasswordOrder order) {
        return null;
    }

    @WebMethod
    @WebResult(name = "outcome")
    public Shown authenticate(@WebParam(name = "order") Login order) {
        return null;
    }
}
