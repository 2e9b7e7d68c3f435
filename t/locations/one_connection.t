#!/usr/bin/perl

# HTTP/2: a parked request, an update, an update that waits, and an open body
# share a connection and do not delay each other.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            access_log connections.log connections;
            pimap_events;
        }

        location = /update {
            pimap_account $arg_account;
            access_log connections.log connections;
            pimap_update;
        }

        location = /status {
            pimap_status;
        }
END

$t->nginx()->{http} .= 'log_format connections "$connection $uri $status";';
$t->plan(2 * 7);
$t->run();
$t->wait_ready();

# Executes each line it reads; prints each line it receives: name, and text.
$t->write_file($t->dir() . '/client.js', <<'END');
const http2 = require('http2');
const session = http2.connect(process.argv[2], { rejectUnauthorized: false,
    servername: 'localhost' });
const streams = {};

const open = (name, method, path, headers) => {
    const stream = session.request({ ':method': method, ':path': path,
        ...headers });

    streams[name] = stream;
    stream.setEncoding('utf8');
    stream.on('data', text => text.split('\n').filter(line => line)
        .forEach(line => console.log(JSON.stringify([name, line]))));
    stream.on('end', () => console.log(JSON.stringify([name, 'end'])));

    return stream;
};

require('readline').createInterface({ input: process.stdin })
    .on('line', line => {
        const [what, name, ...rest] = JSON.parse(line);

        if (what === 'open') { open(name, ...rest); }
        if (what === 'write') { streams[name].write(rest[0]); }
        if (what === 'end') { streams[name].end(rest[0]); }
    })
    .on('close', () => session.destroy());
END

my $json = JSON::PP->new();

for my $transport (qw(https h2c)) {
    my $client = $t->start(pipe => 1, input => 1, command => ['node',
        $t->dir() . '/client.js', ($transport eq 'https' ? 'https' : 'http')
            . '://127.0.0.1:' . $t->port($transport)]);
    my $s = Pimap::Stream->new(process => $client, unchunked => 1);

    $s->{head} = '';

    my $do = sub { $client->type($json->encode([@_]) . "\n") };
    my %got;
    my $said = sub {
        my ($name, $re) = @_;

        while (($got{$name} // '') !~ $re) {
            my $line = $s->read_until(qr/\A.*\n/) // return;
            my ($who, $text) = @{ $json->decode($line) };

            $got{$who} .= $text;
        }

        return 1;
    };

    my $to = "account=$transport&device=phone";
    my %lines = ('content-type' => 'application/x-ndjson');

    $do->('open', 'parked', 'GET', "/events?$to", {});
    $do->('end', 'parked');
    ok($said->('parked', qr/: parked/), "$transport: parked");
    $t->subscribed($transport);

    $do->('open', 'post', 'POST', "/update?$to", \%lines);
    $do->('end', 'post', "{\"id\":\"a\",\"update\":\"x\"}\n");
    ok($said->('post', qr/accepted/), "$transport: an update");

    $do->('open', 'wait', 'POST', "/update?$to", { %lines,
        prefer => 'wait=10' });
    $do->('end', 'wait', "{\"id\":\"b\",\"update\":\"x\"}\n");

    # Another device of the account, on the same connection.

    $do->('open', 'duplex', 'POST', "/events?account=$transport&device=two",
        \%lines);
    $do->('write', 'duplex', "{\"id\":\"c\",\"update\":\"x\"}\n");
    ok($said->('duplex', qr/accepted/), "$transport: a body that stays open");

    $t->wait_for(sub { $t->redis()->command('XLEN', 'pimap:updates') >= 3 });
    $t->redis()->fcall('result', $transport, 'phone', 'b',
        '{"status":"done"}');
    ok($said->('wait', qr/done/),
        "$transport: a waiting update gets its result");
    ok($said->('parked', qr/UpdateResult/),
        "$transport: so does the parked device");

    $t->redis()->log($transport, { event => 'MessageNew', uid => 7 });
    ok($said->('parked', qr/MessageNew/) && $said->('duplex', qr/MessageNew/),
        "$transport: an event for both devices");

    $client->hush();
    $t->wait_for(sub { $t->status()->{parked} == 0 });

    my %seen;

    for my $line (split(/\n/, $t->read_file($t->dir() . '/connections.log')))
    {
        my ($connection, $uri) = split(' ', $line);

        $seen{$connection}{$uri}++;
    }

    my ($newest) = sort { $b <=> $a } keys(%seen);

    is_deeply($seen{$newest}, { '/events' => 2, '/update' => 2 },
        "$transport: all requests used the same connection");

    $t->stop($client) if $client->running();
}
