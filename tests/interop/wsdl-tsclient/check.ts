// wsdl-tsclient with the client that it makes of ?wsdl, compiled with its types.
import { createClientAsync, TnsshowUserResponse } from './generated/gateway/index.js';
import { column } from './results.mjs';
import { checkSoap } from './soap.mjs';

// The compiler refuses a type of users that lacks a field.
type User = Required<NonNullable<NonNullable<TnsshowUserResponse['response']>['user']>>;
export const fieldsOf = ({ clientName, email, name, organizationalUnit, roles, status, userName }: User): string[] => [
  clientName, email, name, organizationalUnit, ...roles, status, userName,
];

const client = await column('wsdl-tsclient', 'generate', () => createClientAsync(`${process.argv[2]}?wsdl`));
if (client) {
  const operations = {
    findUsers: client.findUsersAsync, showUser: client.showUserAsync, createUser: client.createUserAsync,
    modifyUser: client.modifyUserAsync, registerUser: client.registerUserAsync, resetPassword: client.resetPasswordAsync,
    changePassword: client.changePasswordAsync, authenticate: client.authenticateAsync,
  };
  const call = async (operation: keyof typeof operations, request: object) => {
    const [{ response }] = await operations[operation]({ request });
    return response;
  };
  await checkSoap('wsdl-tsclient', call, (error: any) => {
    const { faultcode, faultstring } = error.root.Envelope.Body.Fault;
    return { code: faultcode, text: faultstring };
  });
}
