#!/usr/bin/perl

# A request with a body is refused by its head, before its body is read: an
# update without a login, a publisher without a valid account, a body of
# another type, and a park request with a body.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my ($json, $ndjson) = map { "application/$_" } qw(json x-ndjson);
my $key = 'Idempotency-Key: ' . 'k' x 129;

# path, type, status; a header
my @requests = (
    ['/update', $json, 401],
    ['/update?account=%01', $json, 400],
    ['/update?account=alice&device=~1', $json, 400],
    ['/update?account=alice', 'text/plain', 415],
    ['/update?account=alice', $json, 403, 'Origin: null'],
    ['/publish?account=%01', $json, 400],
    ['/publish?account=%7Db', $json, 400],
    ['/publish?account=alice', 'text/plain', 415],
    ['/publish?account=alice', $json, 403, 'Sec-Fetch-Site: cross-site'],
    ['/publish?account=alice', $json, 400, $key],
    ['/ticket', $json, 401],
    ['/events', $ndjson, 401],
    ['/events?account=alice', $json, 415],
);

my $t = Pimap->new();
$t->nginx()->{locations} .= <<'END';
        location = /ticket {
            pimap_account $arg_account;
            pimap_ticket;
        }
END
$t->plan(4 * @requests + 2);
$t->run();
$t->wait_ready();

for (@requests) {
    my ($path, $type, $status, $header) = @$_;
    my $name = join(' ', "$path, $type:", $status);

    for my $expect ('', "Expect: 100-continue\r\n") {
        my $r = $t->open_stream("POST $path HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Type: $type\r\nContent-Length: 200000\r\n$expect"
            . ($header ? "$header\r\n" : '') . "\r\n" . 'x' x 100);

        is($r->status(), $status, $expect ? "$name, instead of 100"
            : "$name, while the body is on its way");
        like($r->header('Content-Type'), qr{^application/problem\+json},
            '    as a problem');
        $r->close();
    }
}

# A good request has its body read, as before.

my $r = $t->open_stream("POST /update?account=alice HTTP/1.1\r\n"
    . "Host: localhost\r\nContent-Type: $json\r\nExpect: 100-continue\r\n"
    . "Content-Length: 25\r\nConnection: close\r\n\r\n");

is($r->status(), 100, 'a good head: 100');
$r->next();
$r->send('{"id":"1","update":"flag"');
is($r->status(), 400, '    and the answer is to its body');
