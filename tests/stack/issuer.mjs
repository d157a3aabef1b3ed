// A real OIDC provider for the local stack: discovery, JWKS, client_credentials, JWT access tokens (RFC 9068).
//
// Which token comes out is chosen by the resource indicator (RFC 8707) that the client asks for, so that even the
// wrong ones are properly issued and signed. Usage: node issuer.mjs PORT. Prints one line when it is ready.

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import Provider from 'oidc-provider'

const AUDIENCE = 'https://api.example.com'
const LIFE = 3600
const RESOURCES = {
  'urn:rs256': { alg: 'RS256', audience: AUDIENCE },
  'urn:es256': { alg: 'ES256', audience: AUDIENCE },
  'urn:eddsa': { alg: 'EdDSA', audience: AUDIENCE },
  'urn:elsewhere': { alg: 'RS256', audience: 'https://elsewhere.example.com' },
  'urn:expired': { alg: 'RS256', audience: AUDIENCE, issuedAgo: 2 * LIFE },
}

const jwk = (kid, alg, { privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' })
const keys = [
  jwk('rs', 'RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })),
  jwk('es', 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  jwk('ed', 'EdDSA', generateKeyPairSync('ed25519')),
]

const port = Number(process.argv[2])
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys },
  clients: [
    {
      client_id: 'orders',
      client_secret: 'only-for-the-local-stack',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, indicator) => {
        const { alg, audience } = RESOURCES[indicator]
        return {
          scope: 'items:read items:write',
          audience,
          accessTokenTTL: LIFE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }
      },
    },
  },
  ttl: { ClientCredentials: LIFE },
  formats: {
    customizers: {
      jwt: (_context, token, { payload }) => {
        const { issuedAgo = 0 } = RESOURCES[token.resourceServer.identifier()]
        payload.iat -= issuedAgo
        payload.exp -= issuedAgo
      },
    },
  },
})

const server = provider.listen(port, '127.0.0.1')
await once(server, 'listening')
console.log(`ready ${provider.issuer}`)
