// A request by HTTP/2 whose body is what is typed; prints the response, its
// head as that of HTTP/1.1.
//
//     h2.js ORIGIN METHOD PATH HEADERS

const http2 = require('http2');

// Node 18 would say that an address is no server name.
process.noDeprecation = true;

const [origin, method, path, headers] = process.argv.slice(2);
const session = http2.connect(origin, { rejectUnauthorized: false });
const stream = session.request({ ...JSON.parse(headers), ':method': method,
    ':path': path });

const fail = error => {
    console.error(error.message);
    process.exit(1);
};

session.on('error', fail);
stream.on('error', fail);

stream.on('response', head => {
    const lines = Object.entries(head).filter(([name]) => name[0] !== ':')
        .map(([name, value]) => `${name}: ${value}\r\n`);

    process.stdout.write(`HTTP/2 ${head[':status']}\r\n${lines.join('')}\r\n`);
});

stream.pipe(process.stdout);
stream.on('end', () => process.exit(0));
process.stdin.pipe(stream);
