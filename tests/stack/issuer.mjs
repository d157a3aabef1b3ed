// A real OIDC provider for the local stack: discovery, JWKS, client_credentials, JWT access tokens (RFC 9068).
//
// Which token comes out is chosen by the resource indicator (RFC 8707) that the client asks for, so that even the
// wrong ones are properly issued and signed. The port speaks TLS, and plain HTTP to who begins with that: what the edge
// Worker fetches leaves workerd in the clear. Usage: node issuer.mjs PORT CERTIFICATE KEY. Prints one line when it is ready.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
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

// By way of PEM: a key that still hangs on its generator can be exported as JWK only at the risk of a deadlock, where
// the collector takes the generator away meanwhile (Node.js 20).
const generated = (kind, options) => {
  const pem = { privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }
  return createPrivateKey(generateKeyPairSync(kind, { ...options, ...pem }).privateKey)
}
const jwk = (kid, alg, key) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' })
const keys = [
  jwk('rs', 'RS256', generated('rsa', { modulusLength: 2048 })),
  jwk('es', 'ES256', generated('ec', { namedCurve: 'P-256' })),
  jwk('ed', 'EdDSA', generated('ed25519', {})),
]

const [port, certificate, key] = process.argv.slice(2)
const provider = new Provider(`https://127.0.0.1:${port}`, {
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

// Its documents name themselves by https, whoever reads them.
provider.proxy = true
const answer = provider.callback()
const serve = (request, response) => {
  request.headers['x-forwarded-proto'] = 'https'
  answer(request, response)
}

const TLS_HANDSHAKE = 0x16
const plain = http.createServer(serve)
const secure = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, serve)
const server = net.createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.once('readable', () => {
    const first = socket.read()
    if (first === null) return
    socket.unshift(first)
    const speaks = first[0] === TLS_HANDSHAKE ? secure : plain
    speaks.emit('connection', socket)
  })
})
server.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
console.log(`ready ${provider.issuer}`)
