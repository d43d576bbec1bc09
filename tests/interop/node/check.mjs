// soap for Node.js with a client made from ?wsdl, over SOAP 1.1 and 1.2.
import soap from 'soap';
import { column } from './results.mjs';
import { checkSoap } from './soap.mjs';

const url = process.argv[2];
for (const version of ['1.1', '1.2']) {
  const name = `node-soap-${version}`;
  const options = { forceSoap12Headers: version === '1.2' };
  const client = await column(name, 'generate', () => soap.createClientAsync(`${url}?wsdl`, options));
  if (client) {
    const port = client.ChaingunUserAPIService[version === '1.1' ? 'ChaingunUserAPIPort' : 'ChaingunUserAPISoap12Port'];
    const call = (operation, request) => new Promise((resolve, reject) => {
      port[operation]({ request }, (error, result) => (error ? reject(error) : resolve(result.response)));
    });
    // SOAP 1.2 demands xml:lang of the text, which the client keeps beside it.
    await checkSoap(name, call, ({ root }) => {
      const { faultcode, faultstring, Code, Reason } = root.Envelope.Body.Fault;
      return { code: faultcode ?? Code.Value, text: faultstring ?? Reason.Text.$value };
    });
  }
}
