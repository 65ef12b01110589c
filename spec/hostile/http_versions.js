// A server over TLS whose connections speak HTTP/2, or HTTP/1 from the line "http1" on standard input to the line "http2"
// (see control.js). Either line also ends the connections so far. It prints its port, then each request
// ("VERSION METHOD PATH").
//   node http_versions.js KEY CERTIFICATE
'use strict'
const fs = require('fs')
const http2 = require('http2')
const https = require('https')
const net = require('net')
const control = require('./control')

const options = { key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3]) }
const answer = (request, response) => {
  request.on('error', () => {})
  process.stdout.write(`${request.httpVersionMajor} ${request.method} ${request.url}\n`)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 4 })
  response.end('null')
}
const servers = { http2: http2.createSecureServer(options, answer), http1: https.createServer(options, answer) }
let current = 'http2'
const sockets = new Set()

for (const server of Object.values(servers)) {
  server.on('tlsClientError', () => {})
  server.on('sessionError', () => {})
}
const front = net.createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => sockets.delete(socket))
  servers[current].emit('connection', socket)
})
front.listen(0, '127.0.0.1', () => process.stdout.write(`${front.address().port}\n`))

control.listen((name) => {
  current = servers[name] ? name : current
  sockets.forEach((socket) => socket.destroy())
})
