// An HTTP/1.1 server over TLS that sends more than it is asked for, in the way that a line on standard input names (see
// control.js). It prints its port, then each request ("1 METHOD PATH") and connection ("0 OPENED …").
//   node http1_tls.js KEY CERTIFICATE
'use strict'
const tls = require('tls')
const fs = require('fs')
const control = require('./control')

let fault = 'none'

const answer = (title, filler) => {
  const body = JSON.stringify({ conversation_id: '0'.repeat(32), status: 'RUNNING', title }) + ' '.repeat(filler)
  return [`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`, body]
}

// How a request is answered; `wrong` is the unrequested response.
const ways = {
  none: (socket, right) => socket.write(right.join('')),
  // In one piece, of which the client reads only as much as the length says.
  together: (socket, right, wrong) => socket.write(right.join('') + wrong.join('')),
  // The head alone first, so that the body is read by its length from its first byte on.
  head_apart: (socket, right, wrong) => socket.write(right[0], () => socket.write(right[1] + wrong.join(''))),
  apart: (socket, right, wrong) => socket.write(right.join(''), () => socket.write(wrong.join(''))),
  line: (socket, right) => socket.write(right.join('') + '\r\n')
}

const server = tls.createServer({
  key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3]), ALPNProtocols: ['http/1.1']
}, (socket) => {
  let heard = ''
  socket.setNoDelay(true)
  process.stdout.write('0 OPENED connection\n')
  socket.on('error', () => {})
  if (fault === 'early') socket.write(answer('unasked', 0).join(''))
  socket.on('data', (bytes) => {
    heard += bytes
    for (let end; (end = heard.indexOf('\r\n\r\n')) >= 0; heard = heard.slice(end + 4)) {
      const [method, path] = heard.split(' ')
      process.stdout.write(`1 ${method} ${path}\n`)
      const title = path.replace(/.*\?mark=/, '')
      const way = ways[fault] || ways.none
      way(socket, answer(title, fault === 'together' ? 40000 : 0), answer('unasked', 0))
    }
  })
})
server.on('tlsClientError', () => {})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))

control.listen((name) => { fault = name })
