// KDSoap with the classes that kdwsdl2cpp makes of ?wsdl.
#include <QCoreApplication>

#include "gateway.h"
#include "results.h"

using Port = ChaingunUserAPIService::ChaingunUserAPIBinding;

static std::string text(const QString &found) { return found.toStdString(); }

int main(int argc, char **argv) {
  QCoreApplication application(argc, argv);
  const QString name = "kdsoap", person = QString::fromUtf8("Kádé Ű");
  Port port;
  port.setEndPoint(argv[1]);
  TNS__RequestMeta_V1 meta;
  meta.setClientHashKey(QString("demo-hash-key"));

  // The response of a call; a fault is an exception.
  const auto response = [&](const auto &answer) {
    if (port.lastErrorCode() != 0) throw std::runtime_error(text(port.lastError()));
    return answer.response();
  };
  const auto successful = [&](const auto &answer) {
    const auto found = response(answer);
    equal(std::to_string(found.status().code()), "0");
    equal(std::to_string(found.status().messages().message().size()), "0");
    return found;
  };
  const auto show = [&](const QString &userName) {
    TNS__ShowUserRequest_V1 request;
    request.setRequestMeta(meta);
    request.setUserName(userName);
    TNS__ShowUser body;
    body.setRequest(request);
    return port.showUser(body);
  };
  const auto find = [&](TNS__FindUsersRequest_V1 request) {
    request.setRequestMeta(meta);
    TNS__FindUsers body;
    body.setRequest(request);
    return port.findUsers(body);
  };
  const auto modified = [&](TNS__UserChange_V1 user) {
    user.setUserName(name);
    TNS__ModifyUserRequest_V1 request;
    request.setRequestMeta(meta);
    request.setUser(user);
    TNS__ModifyUser body;
    body.setRequest(request);
    return successful(port.modifyUser(body)).user();
  };
  const auto authenticate = [&](TNS__AuthenticateRequest_V1 request, const QString &userName, const QString &password) {
    request.setUserNameOrEmail(userName);
    request.setPassword(password);
    TNS__Authenticate body;
    body.setRequest(request);
    return port.authenticate(body);
  };
  const auto check = [](const char *name, auto test) { column("kdsoap", name, test); };

  check("generate", [] {});
  check("findUsers", [&] {
    TNS__FindUsersRequest_V1 request;
    request.setUserName(QString("MAKI"));
    request.setLimit(5);
    const auto found = successful(find(request));
    equal(std::to_string(found.total()), "1");
    equal(text(found.users().value(0).userName()), "hakapeszimaki");
  });
  check("showUser", [&] {
    const auto user = successful(show("mokamiki")).user();
    const QStringList fields = {user.clientName(), user.email(), user.name(), user.organizationalUnit(), user.status(), user.userName()};
    equal(text(fields.join('|')), "Default|moka.miklos@dbx.hu|Móka Miklós|zsebtv|ACTIVE|mokamiki");
    equal(std::to_string(user.roles().size()), "2");
  });
  check("createUser", [&] {
    TNS__Roles_V1 roles;
    roles.setRole({"a", "b"});
    TNS__UserData_V1 user;
    user.setUserName(name);
    user.setName(person);
    user.setEmail(name + "@dbx.hu");
    user.setRoles(roles);
    TNS__CreateUserRequest_V1 request;
    request.setRequestMeta(meta);
    request.setUser(user);
    TNS__CreateUser body;
    body.setRequest(request);
    const auto made = successful(port.createUser(body)).user();
    equal(text(made.name() + made.status()), text(person + "UNACTIVATED"));
  });
  check("modifyUser", [&] {
    TNS__UserChange_V1 user;
    user.setOrganizationalUnit(QString("qt"));
    user.setStatus(QString("ACTIVE"));
    const auto changed = modified(user);
    equal(text(changed.organizationalUnit() + changed.status() + changed.name()), text("qtACTIVE" + person));
  });
  check("registerUser", [&] {
    TNS__RegisterUserRequest_V1 request;
    request.setUsername(name + "-r");
    request.setPassword(QString("ValaKi1234"));
    request.setName(person);
    request.setEmail("r-" + name + "@dbx.hu");
    TNS__RegisterUser body;
    body.setRequest(request);
    successful(port.registerUser(body));
  });
  check("resetPassword", [&] {
    TNS__ResetPasswordRequest_V1 request;
    request.setUserNameOrEmail(name);
    TNS__ResetPassword body;
    body.setRequest(request);
    successful(port.resetPassword(body));
  });
  check("changePassword", [&] {
    TNS__ChangePasswordRequest_V1 request;
    request.setUserName(QString("hakapeszimaki"));
    request.setOldPassword(QString("passWORD123"));
    request.setPassword(QString("passWORD123"));
    TNS__ChangePassword body;
    body.setRequest(request);
    successful(port.changePassword(body));
  });
  check("authenticate", [&] {
    const auto in = successful(authenticate({}, "mokamiki", "MokaMiki-1234"));
    equal(text(in.user().userName()), "mokamiki");
  });
  check("lists", [&] {
    TNS__Statuses_V1 statuses;
    statuses.setStatus({"ACTIVE", "INACTIVE"});
    TNS__FindUsersRequest_V1 request;
    request.setUserName(QString("ki"));
    request.setStatuses(statuses);
    const auto users = successful(find(request)).users();
    equal(text(users.value(0).roles().join(' ')), "csokifogyaszto");
    equal(text(users.value(1).roles().join(' ')), "majomidomar csokidealer");
    TNS__Roles_V1 roles;
    roles.setRole({"c", "d"});
    TNS__UserChange_V1 user;
    user.setRoles(roles);
    equal(text(modified(user).roles().role().join(' ')), "c d");
  });
  check("params", [&] {
    const auto choice = response(authenticate({}, "hakapeszimaki", "passWORD123"));
    equal(std::to_string(choice.status().code()), "2");
    equal(text(choice.params().value(0).key()), "GRANTED_ORGS");
    TNS__Param_V1 other, organisation;
    other.setKey(QString("OTHER"));
    other.setValue(QString("x"));
    organisation.setKey(QString("USER_ORG_UUID"));
    organisation.setValue(QString("moby"));
    TNS__Params_V1 params;
    params.setParam({other, organisation});
    TNS__AuthenticateRequest_V1 request;
    request.setParams(params);
    const auto token = successful(authenticate(request, "hakapeszimaki", "passWORD123")).params().value(0);
    equal(text(token.key()), "P_AUTH_TOKEN");
    equal(text(token.value().value().left(4)), "JWT ");
  });
  check("refusal", [&] {
    const auto status = response(show("nobody")).status();
    const auto message = status.messages().message().value(0);
    equal(std::to_string(status.code()), "2");
    equal(text(message.severity() + message.code()), "ERRORUSER_NOT_FOUND");
    equal(message.description().value().isEmpty() ? "no description" : "", "");
  });
  check("fault", [&] {
    show(QString(70000, 'a'));
    equal(text(port.lastFaultCode()), "S:Client");
    equal(text(port.lastError()).find("65536") == std::string::npos ? text(port.lastError()) : "", "");
  });
}
