// gSOAP, with what wsdl2h and soapcpp2 make of ?wsdl: the named operations, each field, a refusal and a fault.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ChaingunUserAPIBinding.nsmap"
#include "soapChaingunUserAPIBindingProxy.h"

static void check(const char *what, bool holds) {
  if (!holds) {
    std::fprintf(stderr, "gSOAP: %s\n", what);
    std::exit(1);
  }
}

static bool is(const std::string *text, const char *wanted) { return text && *text == wanted; }

static void answered(ChaingunUserAPIBindingProxy &api, int error) {
  if (error != SOAP_OK) {
    api.soap_stream_fault(std::cerr);
    std::exit(1);
  }
}

int main(int argc, char **argv) {
  const std::vector<std::string> two = {"majomidomar", "csokidealer"};
  const std::string suffix = argv[2];  // 11 or 12: the version of SOAP the stubs were made for
  ChaingunUserAPIBindingProxy api(argv[1], SOAP_C_UTFSTRING);
  std::string key = "demo-hash-key";
  ns1__RequestMeta_USCOREV1 meta;
  meta.clientHashKey = &key;

  ns1__ShowUserRequest_USCOREV1 show;
  show.requestMeta = &meta;
  show.userName = "mokamiki";
  ns1__showUser showUser;
  showUser.request = &show;
  ns1__showUserResponse shown;
  answered(api, api.showUser(&showUser, shown));
  ns1__User_USCOREV1 *user = shown.response->user;
  check("showUser", shown.response->status->code == 0 && is(user->clientName, "Default") &&
                        is(user->email, "moka.miklos@dbx.hu") && is(user->name, "Móka Miklós") &&
                        is(user->organizationalUnit, "zsebtv") && user->roles == two && is(user->status, "ACTIVE") &&
                        is(user->userName, "mokamiki"));

  int limit = 5;
  std::string part = "HAKAPESZI";
  ns1__FindUsersRequest_USCOREV1 find;
  find.requestMeta = &meta;
  find.limit = &limit;
  find.email = &part;
  ns1__findUsers findUsers;
  findUsers.request = &find;
  ns1__findUsersResponse found;
  answered(api, api.findUsers(&findUsers, found));
  check("findUsers", *found.response->total == 1 && found.response->users.size() == 1 &&
                         found.response->users[0]->roles == std::vector<std::string>{"csokifogyaszto"});

  std::string name = "gsoap" + suffix, email = name + "@dbx.hu", person = "Gé Szoáp";
  ns1__Roles_USCOREV1 roles;
  roles.role = {"a", "b"};
  ns1__UserData_USCOREV1 data;
  data.userName = &name;
  data.name = &person;
  data.email = &email;
  data.roles = &roles;
  ns1__CreateUserRequest_USCOREV1 create;
  create.requestMeta = &meta;
  create.user = &data;
  ns1__createUser createUser;
  createUser.request = &create;
  ns1__createUserResponse created;
  answered(api, api.createUser(&createUser, created));
  check("createUser", created.response->status->code == 0 && is(created.response->user->status, "UNACTIVATED"));

  roles.role = {"c", "d"};
  ns1__UserChange_USCOREV1 change;
  change.userName = &name;
  change.roles = &roles;
  ns1__ModifyUserRequest_USCOREV1 modify;
  modify.requestMeta = &meta;
  modify.user = &change;
  ns1__modifyUser modifyUser;
  modifyUser.request = &modify;
  ns1__modifyUserResponse modified;
  answered(api, api.modifyUser(&modifyUser, modified));
  check("modifyUser", modified.response->user->roles->role == roles.role && is(modified.response->user->name, "Gé Szoáp"));

  ns1__AuthenticateRequest_USCOREV1 in;
  in.userNameOrEmail = "mokamiki";
  in.password = "MokaMiki-1234";
  ns1__authenticate authenticate;
  authenticate.request = &in;
  ns1__authenticateResponse signedIn;
  answered(api, api.authenticate(&authenticate, signedIn));
  check("authenticate", signedIn.response->user->roles == two &&
                            signedIn.response->params[0]->key == "P_AUTH_TOKEN");

  in.password = "wrong";
  answered(api, api.authenticate(&authenticate, signedIn));
  check("refusal", signedIn.response->status->code == 3 &&
                       signedIn.response->status->messages->message[0]->code == "BAD_CREDENTIALS");

  show.userName = std::string(70000, 'a');
  check("fault", api.showUser(&showUser, shown) == SOAP_FAULT);
  const char *code = *soap_faultcode(api.soap);
  check("fault", std::strstr(code, suffix == "11" ? "Client" : "Sender") != nullptr);
  std::puts("gSOAP: ok");
  return 0;
}
