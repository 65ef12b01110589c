// A proxy that is spoken to by TLS, and makes tunnels. It prints its port, then "0 OPENED tunnel" for each tunnel. It
// has no faults.
//   node https_proxy.js KEY CERTIFICATE
'use strict'
const https = require('https')
const net = require('net')
const fs = require('fs')
const control = require('./control')

const proxy = https.createServer({
  key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3]), ALPNProtocols: ['http/1.1']
})
proxy.on('connect', (request, client, head) => {
  const [host, port] = request.url.split(':')
  const service = net.connect(port, host, () => {
    process.stdout.write('0 OPENED tunnel\n')
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    service.write(head)
    service.pipe(client)
    client.pipe(service)
  })
  service.on('error', () => client.destroy())
  client.on('error', () => service.destroy())
})
proxy.on('tlsClientError', () => {})
proxy.listen(0, '127.0.0.1', () => process.stdout.write(`${proxy.address().port}\n`))

control.listen(() => {})
