// A certified OpenID provider on a loopback port, with accounts that a test may change while it runs.
//
// Takes on its command line: the folder in which its packages are installed, and its settings as JSON
// (port, client, accounts by name). POST /test/change {accounts?, rotate?} changes them.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));

let number = 0;
let answer;

function begin() {
  number += 1;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: `key-${number}`, use: 'sig', alg: 'RS256' };
  const provider = new Provider(settings.issuer, {
    clients: [settings.client],
    jwks: { keys: [key] },
    cookies: { keys: ['a key for the tests alone'] },
    pkce: { required: () => true },
    claims: {
      openid: ['sub', 'sid', 'auth_time'],
      email: ['email', 'email_verified'],
      profile: ['name', 'groups'],
    },
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
    async findAccount(context, name) {
      const account = settings.accounts[name];
      return account && { accountId: name, claims: () => ({ sub: name, ...account }) };
    },
  });
  answer = provider.callback();
}

begin();
createServer((request, response) => {
  if (request.url !== '/test/change') {
    answer(request, response);
    return;
  }
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    const change = JSON.parse(body);
    Object.assign(settings.accounts, change.accounts);
    if (change.rotate) begin();
    response.end();
  });
}).listen(settings.port, '127.0.0.1');
