#!/usr/bin/perl

# A publish request with an invalid event gets a single answer, and none of its
# events is published.  The same holds for a request that is too large, also if
# its length is not known in advance.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_max_body 4k;');

$t->nginx()->{locations} .= <<'END';
        location = /large {
            pimap_max_body 200k;
            pimap_publish;
        }
END

$t->plan(19);
$t->run();

my $good = '{"event":"MessageNew"}';
my $bad = '{"event":1}';
my %lines = (headers => { 'Content-Type' => 'application/x-ndjson' });

my $s = $t->park('alice');
ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
ok($t->subscribed('alice'), 'subscribed');

refused('one', $bad);
refused('none', '');
refused('last of three', "$good\n$good\n$bad\n", %lines);
refused('first of two', "$bad\n$good\n", %lines);

for my $size (4097, 100_000) {
    my $p = $t->request('POST', '/publish?account=alice',
        headers => { 'Transfer-Encoding' => 'chunked',
            'Content-Type' => 'application/json' });

    $p->send(sprintf("%x\r\n%s\r\n0\r\n\r\n", $size, ' ' x $size));
    is($p->status(), 413, "$size bytes in a chunk");
}

# Up to the limit, a body in pieces is taken, too.

my $line = '{"event":"MessageNew","x":"' . 'x' x 49_000 . "\"}\n";
my $large = $line x 4;

$large .= "\n" x (200 * 1024 - length($large));

for my $n (1, 3) {
    my $p = $t->request('POST', '/large?account=bob', close => 1, headers => {
        'Content-Type' => 'application/x-ndjson',
        'Content-Length' => length($large) });

    $p->send_all($_) for unpack('(a' . (int(length($large) / $n) + 1) . ')*',
        $large);
    is($p->status(), 200, "a body of the largest size, in $n pieces");
}

is($t->post('/large?account=bob', "$large\n", %lines)->{status}, 413,
    'one byte more: 413');
unlike($t->log(), qr{temporary file.*"POST /large},
    'none is written to a file');

is($t->publish('alice', { event => 'QuotaExceed' })->{json}{receivers}, 1,
    'a good event is published');
is($s->event()->{event}, 'QuotaExceed', 'it is the first event that arrives');
is($t->status()->{publish}{invalid}, 4, 'the bad requests are counted');


# The connection stays: another answer on it would come right after.

sub refused {
    my ($what, $body, %set) = @_;

    my $p = $t->request('POST', '/publish?account=alice', body => $body, %set);

    is($p->status(), 400, "$what: status");

    $p->read_until(qr/\}\n/);
    $p->send("GET /status?ready HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n");

    like($p->body(), qr/\AHTTP\/1\.1 /, "$what: answered once");
}
