// An HTTP/2 server over TLS with the faults that lines on standard input name (see control.js). It prints its port,
// then each request ("VERSION METHOD PATH"), connection ("0 OPENED …") and failed handshake ("0 TLS …").
//   node http2.js KEY CERTIFICATE
'use strict'
const http2 = require('http2')
const fs = require('fs')
const control = require('./control')

let fault = 'none'
const sockets = new Set()
const body = JSON.stringify({ conversation_id: '0'.repeat(32), status: 'RUNNING', title: 'from HTTP/2' })
const head = { ':status': 200, 'content-type': 'application/json' }

const answer = (stream) => {
  stream.respond({ ...head, 'content-length': body.length })
  stream.end(body)
}

// Frames without meaning, a hundred at a time, each batch when the previous one was sent, as long as they are read.
const flood = (session, send) => {
  const more = () => {
    if (session.destroyed) return
    let taken = 0
    for (let i = 0; i < 100; i++) send((problem) => { if (!problem && ++taken === 100) setImmediate(more) })
  }
  more()
}

// What each fault does to a stream and its session, of which a stream that its client has left knows nothing.
const faults = {
  none: answer,
  refused_stream: (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
  cancelled_stream: (stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
  broken_stream: (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  goaway: (stream, session) => {
    session.goaway(http2.constants.NGHTTP2_NO_ERROR, 0)
    session.destroy()
  },
  goaway_calm: (stream, session) => {
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 0)
    session.destroy()
  },
  goaway_closing: (stream, session) => {
    session.goaway(http2.constants.NGHTTP2_NO_ERROR, 0)
    session.close()
    stream.close(http2.constants.NGHTTP2_CANCEL)
  },
  goaway_after: (stream, session) => {
    answer(stream)
    session.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id)
  },
  destroyed_session: (stream) => stream.session.destroy(),
  destroyed_socket: () => sockets.forEach((socket) => socket.resetAndDestroy()),
  broken_body: (stream) => {
    stream.respond({ ...head, 'content-length': body.length })
    stream.write(body.slice(0, 9), () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR))
  },
  destroyed_body: (stream, session) => {
    stream.respond({ ...head, 'content-length': body.length })
    stream.write(body.slice(0, 9), () => session.destroy())
  },
  ping_flood: (stream) => flood(stream.session, (taken) => stream.session.ping(taken)),
  settings_flood: (stream) => {
    let size = 0
    flood(stream.session, (taken) => stream.session.settings({ maxFrameSize: 16384 + (size++ % 100) }, taken))
  },
  empty_data_flood: (stream) => {
    stream.respond(head)
    flood(stream.session, (taken) => { if (!stream.destroyed) stream.write(Buffer.alloc(0), taken) })
  }
}

const server = http2.createSecureServer({
  key: fs.readFileSync(process.argv[2]),
  cert: fs.readFileSync(process.argv[3]),
  allowHTTP1: true,
  maxOutstandingPings: 1000,
  maxOutstandingSettings: 1000
})
const quiet = () => {}
server.on('connection', (socket) => {
  process.stdout.write('0 OPENED connection\n')
  sockets.add(socket)
  socket.on('error', quiet)
  socket.on('close', () => sockets.delete(socket))
})
server.on('secureConnection', (socket) => socket.on('error', quiet)) // for when its session is gone
server.on('sessionError', quiet)
server.on('tlsClientError', () => process.stdout.write('0 TLS failed\n'))
server.on('session', (session) => {
  session.on('error', quiet)
  if (fault === 'goaway_at_once') session.goaway(http2.constants.NGHTTP2_NO_ERROR, 0)
  if (fault === 'destroyed_at_once') session.destroy()
})
server.on('stream', (stream, headers) => {
  stream.on('error', quiet)
  process.stdout.write(`2 ${headers[':method']} ${headers[':path']}\n`)
  const act = faults[fault] || answer
  const session = stream.session
  // Not in this callback: a session that is closed while Node reads its frames corrupts Node's memory now and then.
  setImmediate(() => {
    if (stream.destroyed || stream.closed || session.destroyed) return // its client is gone already
    act(stream, session)
  })
})
server.on('request', (request, response) => { // what comes by HTTP/1.1: what may be sent only once
  if (request.httpVersionMajor > 1) return
  request.on('error', quiet)
  request.on('end', () => {
    process.stdout.write(`1 ${request.method} ${request.url}\n`)
    if (fault === 'none' || fault === 'goaway_after') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(body)
    } else {
      request.socket.destroy()
    }
  })
  request.resume()
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))

control.listen((name) => { fault = name })
