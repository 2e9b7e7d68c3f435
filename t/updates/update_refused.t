#!/usr/bin/perl

# A request with a bad update is refused as a whole, and the answer names the
# line.  A request is refused, too, if Redis does not take it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $good = '{"id":"1","update":"b"}';
my $ndjson = 'application/x-ndjson';
my $json = 'application/json';
my $deep = '{"id":"1","update":"b","x":' . '[' x 32 . ']' x 32 . '}';
my $large = '{"id":"1","update":"b","x":"' . 'x' x 1000 . '"}';
my @many = map { qq({"id":"$_","update":"b"}) } 1 .. 11;

# type, body, status, detail
my @bad = (
    [$json, '', 400, qr/^invalid update: text is empty/],
    [$json, 'x', 400, qr/^invalid update: syntax error/],
    [$json, '[]', 400, qr/^invalid update: not an object/],
    [$json, '{"id":"1"', 400, qr/unexpected end/],
    [$json, '{"id":"1","id":"2","update":"b"}', 400, qr/duplicate/],
    [$json, qq({"id":"1","update":"b","x":"\xff"}), 400, qr/UTF-8/],
    [$json, "$good\0", 400, qr/zero byte/],
    [$json, $deep, 400, qr/too deep/],
    [$json, '{"update":"b"}', 400, qr/"id" is no string/],
    [$json, '{"id":7,"update":"b"}', 400, qr/"id" is no string/],
    [$json, '{"id":"a b","update":"b"}', 400, qr/character in "id"/],
    [$json, '{"id":"1"}', 400, qr/"update" is no string/],
    [$json, '{"id":"1","update":"b c"}', 400, qr/character in "update"/],
    [$json, "$good\n$good", 400, qr/after the object/],
    [$json, $large, 413, qr/^invalid update: .*"pimap_max_update"/],
    [$json, ' ' x 16385, 413, qr/pimap_max_body/],
    [$json, ' ' x 300_000, 413, qr/pimap_max_body/],
    [$ndjson, '', 400, qr/the body has none/],
    [$ndjson, "\n\r\n", 400, qr/the body has none/],
    [$ndjson, "$good\nx\n", 400, qr/in line 2: /],
    [$ndjson, "\r\n\n$good\r\n{}", 400, qr/in line 4: /],
    [$ndjson, "x\n$good", 400, qr/in line 1: /],
    [$ndjson, "$good\n$large", 413, qr/in line 2: .*"pimap_max_update"/],
    [$ndjson, join("\n\n", @many), 413, qr/in line 21: .*pimap_max_updates/],
    [$ndjson, "$good\n" . $good =~ s/b/c/r, 400, qr/in line 2: another line/],
    ['text/plain', $good, 415, qr{neither application/json nor}],
    ['application/jsonp', $good, 415, qr{neither application/json nor}],
    ['application/x-www-form-urlencoded', $good, 415, qr/neither/],
);

# query, status, detail
my @queries = (
    ['', 401, qr/not logged in/], ['account=', 401, qr/not logged in/],
    ['account=%', 400, qr/percent-encoding/],
    ['account=%01', 400, qr/control/],
    ['account=' . 'x' x 256, 400, qr/longer than/],
    ['account=a&device=%', 400, qr/percent-encoding/],
    ['account=a&device=~1', 400, qr/begins with "~"/],
    ['account=a&device=' . 'x' x 129, 400, qr/longer than/],
);

my $t = Pimap->new(http => 'pimap_max_update 1000; pimap_max_body 16k;'
    . 'pimap_max_updates 10; pimap_max_queued_updates 12; limit_req_zone'
    . ' $arg_account zone=updates:1m rate=1r/m;');
$t->nginx()->{locations} .= <<'END';
        location = /limited {
            limit_req zone=updates burst=1 nodelay;
            limit_req_status 429;
            pimap_account $arg_account;
            pimap_update;
        }
END
$t->plan(3 * @bad + 2 * @queries + 38);
$t->run();
$t->wait_ready();

for (@bad) {
    my ($type, $body, $status, $detail) = @$_;
    my $answer = $t->post('/update?account=alice', $body,
        headers => { 'Content-Type' => $type });

    is($answer->{status}, $status, substr($body, 0, 30) . ": $status");
    like($answer->{json}{detail}, $detail, "    $detail");
    like($answer->{head}, qr{^Content-Type: application/problem\+json}m,
        '    as a problem');
}

for (@queries) {
    my ($query, $status, $detail) = @$_;
    my $answer = $t->post("/update?$query", $good);

    is($answer->{status}, $status, substr($query, 0, 30) . ": $status");
    like($answer->{json}{detail}, $detail, "    $detail");
}

for my $method (qw(GET PUT DELETE)) {
    my $p = $t->request($method, '/update?account=alice', close => 1);

    is($p->status(), 405, "$method: not allowed");
    is($p->header('Allow'), 'POST', '    Allow names POST');
}

is(length_of(), 0, 'no refused update is added');

# Also if the length is not known in advance; the connection stays open.

my $p = $t->request('POST', '/update?account=alice', headers => {
    'Content-Type' => $json, 'Transfer-Encoding' => 'chunked' });
$p->send(sprintf("%x\r\n%s\r\n0\r\n\r\n", 16_385, ' ' x 16_385));
is($p->status(), 413, 'too large in chunks');

$p = $t->request('POST', '/update?account=alice', body => '{}',
    headers => { 'Content-Type' => $json });
is($p->status(), 400, 'refused');
$p->read_until(qr/\}\n/);
$p->send("GET /status?ready HTTP/1.1\r\nHost: localhost\r\n"
    . "Connection: close\r\n\r\n");
like($p->body(), qr/\AHTTP\/1\.1 /, '    with a single answer');

# The id of another update.

is($t->post('/update?account=alice', $good)->{status}, 202, 'a good update');

my $other = $good =~ s/b/c/r;
my $answer = $t->update('alice', qq({"id":"2","update":"b"}\n\n$other));

is($answer->{status}, 409, 'its id with another text');
like($answer->{json}{detail}, qr/in line 3: the id has been used/,
    '    the answer names it');
is($answer->{json}{title}, 'Conflict', '    a conflict');
is(length_of(), 1, '    nothing is added');
is($t->update('alice', $other, device => 'phone')->{status}, 202,
    'the same id of another device');

# The limit of the stream.

is($t->update('bob', join("\n", @many[0 .. 9]))->{status}, 202,
    'as many updates as the limit');
$answer = $t->update('carol', $good);
is($answer->{status}, 503, 'the stream is full: an update is refused');
like($answer->{json}{detail}, qr/too many updates wait/,
    '    with the reason');
like($answer->{head}, qr/^Retry-After: \d+/m, '    and Retry-After');
is($t->update('bob', $many[0])->{status}, 202,
    '    an update that is in the stream is accepted');
is(length_of(), 12, '    nothing is added');
$t->redis()->command('DEL', 'pimap:updates');
is($t->update('carol', $good)->{status}, 202,
    'a backend has read the stream: accepted');

# nginx' own limit.

is_deeply([ map { $t->post('/limited?account=dora', $good)->{status} }
    1 .. 3 ], [202, 202, 429], 'limit_req');
is($t->post('/limited?account=eve', $good)->{status}, 202,
    '    for each account');

# Redis is away, or has lost its functions.

$t->redis()->command(qw(CONFIG SET maxmemory 1));
$answer = $t->update('fred', $good);
is($answer->{status}, 503, 'Redis has no memory');
like($answer->{head}, qr/^Retry-After: /m, '    with Retry-After');
ok($t->log_lines(qr/update failed: OOM/), '    and the log has the reason');
$t->redis()->command(qw(CONFIG SET maxmemory 0));
is($t->update('fred', $good)->{status}, 202,
    '    accepted when it has memory');

$t->redis()->command(qw(FUNCTION FLUSH));
is($t->update('greta', $good)->{status}, 503, 'Redis has lost the functions');
ok($t->wait_for(sub { $t->update('greta', $good)->{status} == 202 },
    'functions'), '    nginx loads them again');

$t->redis()->stop();
$answer = $t->update('greta', $good);
is($answer->{status}, 503, 'Redis is away');
like($answer->{head}, qr/^Retry-After: /m, '    with Retry-After');
like($answer->{json}{detail}, qr/Redis/, '    and the reason');
$t->redis()->start();
ok($t->wait_for(sub { $t->update('greta', $good)->{status} == 202 },
    'functions'), '    accepted when Redis is back');

my $status = $t->status()->{updates};

is($status->{invalid}, @bad - 5 + 2, 'invalid updates are counted');
ok($status->{failed} >= 4, '    and updates that Redis did not take');
is($t->log_lines(qr/"update":"b"|\[crit\]/), 0,
    'the log has no text of an update');


sub length_of { $t->redis()->command('XLEN', 'pimap:updates') }
