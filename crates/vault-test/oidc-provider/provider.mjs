// A real OpenID provider (npm oidc-provider) over TLS, for tests.
//
// Environment: TLS_CERT and TLS_KEY (PEM texts). Clients "ES256", "EdDSA" and "RS256", secret
// "secret", get access tokens (RFC 9068) signed with the algorithm of their name, bound to the key
// of the request's DPoP proof (RFC 9449) where there is one. With "resource=https://<vault id>"
// (RFC 8707) their audience is that vault's id, else the one that all share.
// One JSON line on stdout when ready: {"url": …}. Commands on stdin, one a line, each answered by
// one JSON line: "rotate ALG" adds a key and signs with it, "drop KID" publishes a key no more.
// Ends when stdin is closed.

import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { randomBytes, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

// The library writes notices to stdout, which is for answers.
console.info = console.log = console.error

const AUDIENCE = 'https://vaults.test'
const NONCES = randomBytes(32)
const ALGORITHMS = ['ES256', 'EdDSA', 'RS256']

async function newKey(alg) {
  const options = alg === 'EdDSA' ? { crv: 'Ed25519' } : {}
  const { privateKey } = await generateKeyPair(alg, { ...options, extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() }
}

let keys = []
for (const alg of ALGORITHMS) keys.push(await newKey(alg))

function provider(url) {
  const made = new Provider(url, {
    // The newest key of an algorithm comes first: the provider signs with the first that fits.
    jwks: { keys: [...keys].reverse() },
    clients: ALGORITHMS.map((alg) => ({
      client_id: alg,
      client_secret: 'secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    scopes: ['vaults'],
    features: {
      clientCredentials: { enabled: true },
      // A proof without the provider's nonce is sent back once (RFC 9449, section 8).
      dPoP: { enabled: true, nonceSecret: NONCES, requireNonce: () => true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_context, resource, client) => ({
          scope: 'vaults',
          audience: /^https:\/\/([0-9a-f]{64})$/.exec(resource)?.[1] ?? AUDIENCE,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: client.clientId } },
        }),
      },
    },
    extraTokenClaims: () => ({ roles: ['vault:owner'] }),
  })
  return made.callback()
}

let handle = () => {}
const server = createServer(
  { cert: process.env.TLS_CERT, key: process.env.TLS_KEY, minVersion: 'TLSv1.3' },
  (request, response) => handle(request, response),
)
server.listen(0, '127.0.0.1', () => {
  const url = `https://localhost:${server.address().port}`
  handle = provider(url)
  say({ url })
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const [command, argument] = line.split(' ')
    if (command === 'rotate') {
      const key = await newKey(argument)
      keys.push(key)
      handle = provider(url)
      say({ kid: key.kid })
    } else if (command === 'drop') {
      keys = keys.filter((key) => key.kid !== argument)
      handle = provider(url)
      say({ left: keys.length })
    }
  })
  lines.on('close', () => process.exit(0))
})

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
