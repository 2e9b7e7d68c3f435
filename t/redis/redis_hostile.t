#!/usr/bin/perl

# A server that is not Redis answers: the worker lives, devices stay, the
# connection is closed, and the intervals between attempts grow.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeRedis;

my $channel = 'pimap:{alice}';
my $bulk = '$1000' . "\r\n" . 'x' x 1000 . "\r\n";

# The time of sending ("hello": at first, "ping": after the PING of a new
# connection, "then": after the next command), the bytes, the reason logged.

my @cases = (
    ['garbage', 'hello', "\x00\xff\r\n\xfe garbage", qr/rotocol error/],
    ['a web server', 'ping', "HTTP/1.1 400 Bad Request\r\n\r\n",
        qr/rotocol error/],
    ['a huge multibulk', 'ping', "*2147483647\r\n", qr/emory/],
    ['a huge multibulk later', 'then', "*2147483647\r\n", qr/emory/],
    ['an impossible multibulk', 'then', "*99999999999999999999\r\n",
        qr/ength|rotocol error/],
    ['a deep multibulk', 'then', "*1\r\n" x 50, qr/nested/],
    ['an endless bulk', 'then', "\$2000000000\r\nrepeat 20 " . 'x' x 1000,
        qr/too large/],
    ['an endless array', 'then', "*60000\r\nrepeat 12 $bulk",
        qr/too large/],
    ['an endless line', 'then', '+repeat 20 ' . 'x' x 1000, qr/too large/],
    ['nil', 'then', "*3\r\n\$-1\r\n\$-1\r\n\$-1\r\n", qr/unexpected reply/],
    ['an empty array', 'then', "*0\r\n", qr/unexpected reply/],
    ['a message of a number', 'then', "*3\r\n\$7\r\nmessage\r\n\$"
        . length($channel) . "\r\n$channel\r\n:1\r\n", qr/unexpected reply/],
    ['unexpected answers', 'then', "*3\r\n\$9\r\nsubscribe\r\n\$1\r\n"
        . "x\r\n:1\r\nrepeat 1 *3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n",
        qr/unexpected reply/],
    ['an error', 'ping', "-ERR no\r\n", qr/ERR no/],
    ['an error later', 'then', "-ERR no\r\n", qr/ERR no/],
    ['a login required', 'ping', "-NOAUTH Authentication required.\r\n",
        qr/NOAUTH/],
    ['a Redis that is loading', 'ping', "-LOADING Redis is loading\r\n",
        qr/LOADING/],
    ['a Redis that is full', 'hello', "-ERR max number of clients reached\r\n",
        qr/max number/, 1],
    ['no permission to subscribe', 'then', "-NOPERM no channels\r\n",
        qr/NOPERM/],
    ['a push of RESP3', 'then', ">3\r\n\$7\r\nmessage\r\n\$1\r\nx\r\n\$1\r\n"
        . "y\r\n", qr/rotocol error|unexpected reply/],
    ['half a greeting', 'ping', '+PO', qr/timed out/],
    ['half an answer', 'then', "*3\r\n\$9\r\nsubscr", qr/no answer in time/],
    ['a close after half an answer', 'then', "*3\r\n\$9\r\nsub",
        qr/connection closed/, 1],
    ['an immediate close', 'hello', '', qr/connection closed/, 1],
    ['a close after the greeting', 'ping', "+PONG\r\n", qr/connection closed/,
        1],
);

my $t = Pimap->new();
my $fake = Pimap::FakeRedis->new(t => $t, name => 'fake');

$t->plan(4 * @cases + 2);

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $fake->port()
    . " connect_timeout=1s timeout=1s;\npimap_drain 100ms;";

$fake->start();

my $pid;

for my $case (@cases) {
    my ($name, $when, $text, $re, $close) = @$case;
    my $seen = length($t->log());

    $fake->answer({ $when => $text, close => $close });

    # New workers have no delay left from the case before.

    $t->nginx()->{process} ? $t->reload() : $t->nginx()->start();
    ($pid) = $t->workers();

    my $s = $t->park('alice');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$name: parked");

    my $accepts = $fake->noted('accept');

    ok($t->wait_for(sub { $fake->noted('accept') >= $accepts + 1 },
        'attempts'), "$name: tried again");
    ok($t->wait_for(sub { substr($t->log(), $seen)
        =~ / pimap (?:lost|cannot connect to|is refused by) redis: [^\n]*$re/
        }, $re), "$name: said")
        or diag(substr($t->log(), $seen) =~ /^.* lost redis: .*\n/mg);
    ok($s->quiet(0) && ($t->workers())[0] == $pid, "$name: lives");

    $s->close();
}

# The last case continues: after more failures the delays are longer.

my $s = $t->park('alice');

ok($t->wait_for(sub { ($t->worker_status()->{redis}{failures} // 0) >= 8 },
    'failures'), 'many failures');

my $accepts = $fake->noted('accept');

$s->quiet(1);
cmp_ok($fake->noted('accept') - $accepts, '<=', 5, 'few attempts follow');
