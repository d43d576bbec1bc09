// gSOAP with the proxy that wsdl2h and soapcpp2 make of ?wsdl, for SOAP 1.1 or 1.2: check URL 1.1|1.2
#include <vector>

#include "ChaingunUserAPIBinding.nsmap"
#include "results.h"
#include "soapChaingunUserAPIBindingProxy.h"

static ChaingunUserAPIBindingProxy *api;
static std::string key = "demo-hash-key";
static ns1__RequestMeta_USCOREV1 meta;

// Calls an operation and returns the response; a fault is an exception.
template <class Body, class Answer, class Request>
auto response(int (ChaingunUserAPIBindingProxy::*operation)(Body *, Answer &), Request &request) {
  Body body;
  body.request = &request;
  Answer answer;
  if ((api->*operation)(&body, answer) != SOAP_OK) throw std::runtime_error(api->soap_fault_string());
  return answer.response;
}

template <class Body, class Answer, class Request>
auto successful(int (ChaingunUserAPIBindingProxy::*operation)(Body *, Answer &), Request &request) {
  const auto found = response(operation, request);
  equal(std::to_string(found->status->code), "0");
  equal(std::to_string(found->status->messages->message.size()), "0");
  return found;
}

static std::string joined(const std::vector<std::string> &texts) {
  std::string found;
  for (const auto &each : texts) found += each + " ";
  return found;
}

using Proxy = ChaingunUserAPIBindingProxy;

static auto show(const std::string &userName) {
  ns1__ShowUserRequest_USCOREV1 request;
  request.requestMeta = &meta;
  request.userName = userName;
  return response<ns1__showUser, ns1__showUserResponse>(&Proxy::showUser, request);
}

static auto modified(ns1__UserChange_USCOREV1 &user) {
  ns1__ModifyUserRequest_USCOREV1 request;
  request.requestMeta = &meta;
  request.user = &user;
  return successful<ns1__modifyUser, ns1__modifyUserResponse>(&Proxy::modifyUser, request)->user;
}

static auto signedIn(ns1__AuthenticateRequest_USCOREV1 &request, const char *userName, const char *password) {
  request.userNameOrEmail = userName;
  request.password = password;
  return response<ns1__authenticate, ns1__authenticateResponse>(&Proxy::authenticate, request);
}

int main(int, char **argv) {
  const std::string version = argv[2], client = "gsoap-" + version;
  std::string name = version == "1.1" ? "gsoap-1-1" : "gsoap-1-2", email = name + "@dbx.hu", person = "Gé Szoáp Ű";
  Proxy proxy(argv[1], SOAP_C_UTFSTRING);
  api = &proxy;
  meta.clientHashKey = &key;
  const auto check = [&](const char *column_name, auto test) { column(client, column_name, test); };

  check("generate", [] {});
  check("findUsers", [] {
    int limit = 5;
    std::string part = "MAKI";
    ns1__FindUsersRequest_USCOREV1 request;
    request.requestMeta = &meta;
    request.limit = &limit;
    request.userName = &part;
    const auto found = successful<ns1__findUsers, ns1__findUsersResponse>(&Proxy::findUsers, request);
    equal(std::to_string(*found->total) + *found->users.at(0)->userName, "1hakapeszimaki");
  });
  check("showUser", [] {
    const auto found = show("mokamiki");
    const auto user = found->user;
    equal(std::to_string(found->status->code), "0");
    const auto fields = {*user->clientName, *user->email, *user->name, *user->organizationalUnit, *user->status, *user->userName};
    equal(joined(fields), "Default moka.miklos@dbx.hu Móka Miklós zsebtv ACTIVE mokamiki ");
    equal(std::to_string(user->roles.size()), "2");
  });
  check("createUser", [&] {
    ns1__Roles_USCOREV1 roles;
    roles.role = {"a", "b"};
    ns1__UserData_USCOREV1 user;
    user.userName = &name;
    user.name = &person;
    user.email = &email;
    user.roles = &roles;
    ns1__CreateUserRequest_USCOREV1 request;
    request.requestMeta = &meta;
    request.user = &user;
    const auto made = successful<ns1__createUser, ns1__createUserResponse>(&Proxy::createUser, request)->user;
    equal(*made->name + *made->status, person + "UNACTIVATED");
  });
  check("modifyUser", [&] {
    std::string unit = "cpp", status = "ACTIVE";
    ns1__UserChange_USCOREV1 user;
    user.userName = &name;
    user.organizationalUnit = &unit;
    user.status = &status;
    const auto changed = modified(user);
    equal(*changed->organizationalUnit + *changed->status + *changed->name, "cppACTIVE" + person);
  });
  check("registerUser", [&] {
    ns1__RegisterUserRequest_USCOREV1 request;
    request.username = name + "-r";
    request.password = "ValaKi1234";
    request.name = person;
    request.email = "r-" + email;
    successful<ns1__registerUser, ns1__registerUserResponse>(&Proxy::registerUser, request);
  });
  check("resetPassword", [&] {
    ns1__ResetPasswordRequest_USCOREV1 request;
    request.userNameOrEmail = name;
    successful<ns1__resetPassword, ns1__resetPasswordResponse>(&Proxy::resetPassword, request);
  });
  check("changePassword", [] {
    std::string userName = "hakapeszimaki", password = "passWORD123";
    ns1__ChangePasswordRequest_USCOREV1 request;
    request.userName = &userName;
    request.oldPassword = &password;
    request.password = password;
    successful<ns1__changePassword, ns1__changePasswordResponse>(&Proxy::changePassword, request);
  });
  check("authenticate", [] {
    ns1__AuthenticateRequest_USCOREV1 request;
    equal(*signedIn(request, "mokamiki", "MokaMiki-1234")->user->userName, "mokamiki");
  });
  check("lists", [&] {
    std::string part = "ki";
    ns1__Statuses_USCOREV1 statuses;
    statuses.status = {"ACTIVE", "INACTIVE"};
    ns1__FindUsersRequest_USCOREV1 find;
    find.requestMeta = &meta;
    find.userName = &part;
    find.statuses = &statuses;
    const auto users = successful<ns1__findUsers, ns1__findUsersResponse>(&Proxy::findUsers, find)->users;
    equal(joined(users.at(0)->roles) + joined(users.at(1)->roles), "csokifogyaszto majomidomar csokidealer ");
    ns1__Roles_USCOREV1 roles;
    roles.role = {"c", "d"};
    ns1__UserChange_USCOREV1 user;
    user.userName = &name;
    user.roles = &roles;
    equal(joined(modified(user)->roles->role), "c d ");
  });
  check("params", [] {
    ns1__AuthenticateRequest_USCOREV1 request;
    const auto choice = signedIn(request, "hakapeszimaki", "passWORD123");
    equal(std::to_string(choice->status->code) + choice->params.at(0)->key, "2GRANTED_ORGS");
    std::string x = "x", moby = "moby";
    ns1__Param_USCOREV1 other, organisation;
    other.key = "OTHER";
    other.value = &x;
    organisation.key = "USER_ORG_UUID";
    organisation.value = &moby;
    ns1__Params_USCOREV1 params;
    params.param = {&other, &organisation};
    request.params = &params;
    const auto token = signedIn(request, "hakapeszimaki", "passWORD123")->params.at(0);
    equal(token->key + token->value->substr(0, 4), "P_AUTH_TOKENJWT ");
  });
  check("refusal", [] {
    const auto status = show("nobody")->status;
    const auto message = status->messages->message.at(0);
    equal(std::to_string(status->code) + message->severity + message->code, "2ERRORUSER_NOT_FOUND");
    equal(message->description->empty() ? "no description" : "", "");
  });
  check("fault", [&] {
    bool failed = false;
    try {
      show(std::string(70000, 'a'));
    } catch (const std::exception &fault) {
      failed = std::string(fault.what()).find("65536") != std::string::npos;
    }
    equal(failed ? "" : "no fault", "");
    const std::string code = *soap_faultcode(api->soap);
    equal(code.substr(code.find(':')), version == "1.1" ? ":Client" : ":Sender");
  });
}
