#!/usr/bin/perl

# A device parks on a connection that has served other requests, one after the
# other or pipelined, and its events come at once: "tcp_nopush" of a file that
# was sent before does not hold them back.

use strict;
use warnings;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant HELD => 0.15;      # seconds; the kernel holds bytes for 0.2

my $t = Pimap->new(http => 'sendfile on; tcp_nopush on;');

$t->write_file($t->dir() . '/file.txt', "text\n" x 200);
$t->nginx()->{locations} .= 'location = /file.txt { root ' . $t->dir()
    . "; }\n" . <<'END';
        location = /held {
            pimap_account $arg_account;
            pimap_detach off;
            pimap_hibernate off;
            pimap_events;
        }
END

my $file = "GET /file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";

$t->plan(18);
$t->run();
$t->wait_ready();

for my $path (qw(/events /held)) {
    for my $how ('one after the other', 'pipelined', 'after a poll') {
        my $account = join('-', 'user', split(m{[/ ]}, "$path $how"));
        my $park = "GET $path?account=$account HTTP/1.1\r\n"
            . "Host: localhost\r\n\r\n";
        my $poll = "GET $path?account=$account&format=json&wait=1"
            . " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        my $s = $t->open_stream($how eq 'pipelined' ? $file . $park
            : $how eq 'after a poll' ? $poll : $file);

        if ($how ne 'pipelined') {
            $how eq 'after a poll' ? is($s->status(), 204, "$path: a poll")
                : ok($s->read_until(qr/(?:text\n){200}/), "$path: a file");
            delete $s->{head};
            $s->send($park);

        } else {
            ok($s->read_until(qr/(?:text\n){200}/), "$path: a file");
            $s->next();
        }

        ok($s->read_until(qr/: parked\n.*\n\n/), "$path, $how: parked");
        $t->subscribed($account);

        cmp_ok(min(map { delay($s, $account) } 1 .. 10), '<', HELD,
            "$path, $how: events come at once");
        $s->close();
    }
}


sub delay {
    my ($s, $account) = @_;

    my $start = time();

    $t->redis()->publish($account, { event => 'MessageNew' });
    $s->event();

    return time() - $start;
}
