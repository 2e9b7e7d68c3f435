#!/usr/bin/perl

# A device by HTTP/3 is parked as one by HTTP/2 is: nginx keeps its request.
# It gets live events, sends updates and waits for events.  A reload ends it.
# Beside it, devices by TCP hibernate.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

# Debian 12 has nginx 1.22, and HTTP/3 begins with 1.25.  Its curl has none.

my $curl = qx(curl --version);

plan(skip_all => 'this nginx has no HTTP/3') if !Pimap::Nginx->http3();
plan(skip_all => 'curl 7 has no HTTP/3') if $curl =~ /^curl 7/;
die "curl has no HTTP/3\n" if $curl !~ /^Features:.*\bHTTP3\b/m;

my $t = Pimap->new(http3 => 1, workers => 2, mode => '',
    http => 'pimap_drain 5s; pimap_ping 60s min=1s; keepalive_timeout 2s;');

my $key = Pimap::Token->new($t)->pem('rsa');

$t->plan(28);
$t->nginx()->ways();
$t->nginx()->{locations} .= <<"END";
        location = /token {
            pimap_login token;
            pimap_token_key $key;
            pimap_events;
        }
END
$t->run();
$t->wait_ready();

my $event = { event => 'MessageNew', mailbox => 'INBOX', uid => 4711 };

# Events.

for my $path (qw(/events /held /asleep)) {
    my $s = $t->park('alice', transport => 'h3', path => $path);

    is($s->status(), 200, "$path: parked");
    is(devices(), 'heldH3 1', "$path: its request is kept");
    ok($t->subscribed('alice'), "$path: subscribed");
    $t->redis()->publish('alice', $event);
    is_deeply($s->event()->{json}, $event, "$path: an event comes");
    $s->close();
    ok($t->wait_for(sub { devices() eq '' }, 'no device'),
        "$path: its end is noticed");
}

like($t->log(), qr/pimap ended: .* transport="held-h3"/,
    'the log names the transport');

# Its pings keep a connection for longer than nginx keeps a silent one.

my $s = $t->park_live('bob', transport => 'h3', query => 'ping=1');

is(join(' ', map { $s->event()->{event} } 1 .. 4), 'ping ping ping ping',
    'pings keep a connection beyond keepalive_timeout');

# Much at once.

my $long = { event => 'MessageNew', preview => $t->noise(15_000) };

$t->redis()->publish('bob', $long) for (1 .. 8);
is(scalar(grep { length($s->event()->{json}{preview}) == 15_000 } 1 .. 8), 8,
    'more bytes at once than a stream of nginx buffers');

# A request that waits for events.

my $poll = $t->park('carol', transport => 'h3',
    headers => { Accept => 'application/json' });

ok($t->subscribed('carol') && $t->wait_for(sub { devices() =~ /pollH3 1/ }),
    'a poll waits');
$t->redis()->publish('carol', $event);
is($poll->status(), 200, 'and is answered');

# No log has a token of the query.

is($t->get('/token?access_token=c0ffee', transport => 'h3')->{status}, 401,
    'a bad token is refused');
ok($t->wait_for(sub { $t->read_file($t->dir() . '/access.log')
    =~ m{GET /token\?access_token=\*+ HTTP/3} }, 'a log line'),
    'the access log has stars for a token');
unlike($t->log() . $t->read_file($t->dir() . '/access.log'), qr/c0ffee/,
    'and no log has it');

# Updates.

my $device = $t->park_live('dave', transport => 'h3', query => 'device=phone');

is($t->update('dave', [{ update => 'x', id => '1' }], transport => 'h3',
    device => 'phone')->{status}, 202, 'an update by HTTP/3 is taken');

# Beside HTTP/3, TLS of TCP hibernates.

my $tcp = $t->park_live('erin', transport => 'https', path => '/asleep');

like(devices(), qr/\bhibernated 1\b/, 'a device by TCP hibernates');
is(join('', $t->log_lines(qr/key log/)), '', 'no warning of a key log');

# A reload.  nginx's new workers may take packets of the old connections, so
# that it is not certain that the device is told to come back.

$t->reload();
ok($s->closed(), 'a reload ends the response by HTTP/3');
$t->redis()->publish('erin', $event);
is($tcp->event()->{event}, 'MessageNew', 'the device by TCP stays');


# The kinds of the parked devices and their numbers.

sub devices {
    my $devices = $t->status()->{devices};

    return join(' ', map { "$_ $devices->{$_}" }
        grep { $devices->{$_} } sort(keys(%$devices)));
}
