#!/usr/bin/perl

# POST or PUT publishes the event of the body, or all of its lines, or none.
# The answer comes when Redis has them, or names the error.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $event = '{"event":"MessageNew","uid":1}';
my $ox = '{"user":"alice","event":"messageNew","folder":"INBOX",'
    . '"imap-uidvalidity":7,"imap-uid":5,"from":"b@c","subject":"s",'
    . '"snippet":"p","unseen":2}';
my $ndjson = { 'Content-Type' => 'application/x-ndjson' };
my $deep = '{"event":"MessageNew","x":' . '[' x 32 . ']' x 32 . '}';
my $fits = '{"event":"MessageNew","x":"' . 'x' x 4067 . '"}';

# query, body, headers, status, detail
my @bad = (
    ['account=alice', '', {}, 400, qr/empty/],
    ['account=alice', 'x', {}, 400, qr/invalid event: syntax error/],
    ['account=alice', '{"event":"X"', {}, 400, qr/unexpected end/],
    ['account=alice', '[]', {}, 400, qr/not an object/],
    ['account=alice', '{}', {}, 400, qr/neither/],
    ['account=alice', '{"event":1}', {}, 400, qr/not a string/],
    ['account=alice', '{"event":"ping"}', {}, 400, qr/reserved/],
    ['account=alice', '{"event":"a b"}', {}, 400, qr/character/],
    ['account=alice', '{"event":"X","a":1,"a":2}', {}, 400, qr/duplicate/],
    ['account=alice', qq({"event":"X","a":"\xff"}), {}, 400, qr/UTF-8/],
    ['account=alice', qq({"event":"X"}\0), {}, 400, qr/zero byte/],
    ['account=alice', $deep, {}, 400, qr/too deep/],
    ['account=alice', "1-1 $event", {}, 400, qr/after the object/],
    ['account=alice', "!supersede 1 x", {}, 400, qr/syntax error/],
    ['account=alice', "$event\n$event", {}, 400, qr/after the object/],
    ['account=alice', '{"event":"X","a":"' . 'x' x 4096 . '"}', {}, 413,
        qr/pimap_max_event/],
    ['account=alice', ' ' x 16385, {}, 413, qr/pimap_max_body/],
    ['account=alice', ' ' x 300_000, {}, 413, qr/pimap_max_body/],
    ['account=alice', "$event\n{}\n$event", $ndjson, 400, qr/in line 2: /],
    ['account=alice', "\r\n\n$event\r\nx", $ndjson, 400, qr/in line 4: /],
    ['account=alice', '', $ndjson, 400, qr/the body has none/],
    ['account=alice', "\n\r\n", $ndjson, 400, qr/the body has none/],
    ['account=alice', "$event\n" . '{"event":"X","a":"' . 'x' x 4096 . '"}',
        $ndjson, 413, qr/pimap_max_event/],
    ['account=alice', $ox =~ s/"imap-uid":5/"imap-uid":"5"/r, {}, 400,
        qr/OX/],
    ['account=', $ox =~ s/"alice"/5/r, {}, 400, qr/OX/],
    ['account=', $ox =~ s/"alice"/"a\\u0001"/r, {}, 400, qr/control/],
    ['account=', $ox =~ s/"alice"/""/r, {}, 400, qr/no account/],
    ['account=', $ox =~ s/alice/'a' x 256/er, {}, 400, qr/longer than/],
    ['', "$ox\n" . $ox =~ s/alice/bob/r, $ndjson, 400, qr/same user/],
    ['', $event, {}, 400, qr/no account/],
    ['account=', $event, {}, 400, qr/no account/],
    ['account=%', $event, {}, 400, qr/percent-encoding/],
    ['account=%00', $event, {}, 400, qr/control/],
);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' probe=10m; pimap_max_event 4k; pimap_max_body 16k;';
$t->plan(4 * @bad + 63);
$t->run();

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
my $n = 0;


# Good requests.

is($t->publish('nobody', $event)->{json}{receivers}, 0,
    'an account without a device');

for my $transport (qw(http https h2 h2c)) {
    for my $method (qw(POST PUT)) {
        my $r = $t->request($method, '/publish?account=alice',
            transport => $transport, body => $event, close => 1);

        is($r->status(), 200, "$method, $transport: status");
        is($r->header('Content-Type'), 'application/json',
            "$method, $transport: type");
        like($r->body(), qr/^\{"id":"\d+-\d+","receivers":1\}\n\z/,
            "$method, $transport: body");
        is(data(), $event, "$method, $transport: delivered");
        $n++;
    }
}

my $r = chunks('', map { substr($event, $_ * 10, 10) } 0 .. 3);
is($r->status(), 200, 'a body in chunks');
is(data(), $event, 'a body in chunks: delivered');

$r = chunks('', ' ' x 8000, ' ' x 8000, ' ' x 8000);
is($r->status(), 413, 'a body in chunks is too large');

$r = $t->open_stream(head('Expect: 100-continue',
    'Content-Length: ' . length($event)));
is($r->status(), 100, 'Expect: 100-continue: 100');
$r->next();
$r->send($event);
is($r->status(), 200, 'Expect: 100-continue: 200 after the body');
is(data(), $event, 'Expect: 100-continue: delivered');

$r = $t->open_stream(head('Expect: 100-continue', 'Content-Length: 99999'));
is($r->status(), 413, 'a body that is too large: 413 instead of 100');

is($t->publish('alice', " \r\n$event\n ")->{status}, 200,
    'space around the event');
is(data(), $event, 'space around the event: removed');
is($t->publish('alice', $fits)->{status}, 200, 'an event of the largest size');
is(data(), $fits, 'an event of the largest size: delivered');

my @lines = map { qq({"event":"MessageNew","uid":$_}) } 1 .. 100;
my $got = $t->publish('alice', join("\n", @lines), headers => { %$ndjson });

is($got->{json}{receivers}, 1, 'a hundred lines');
is_deeply([map { data() } @lines], \@lines,
    'a hundred lines: delivered in order');

$ndjson->{'Content-Type'} .= '; charset=utf-8';
is($t->publish('alice', "$event\r\n\r\n$event\n", headers => $ndjson)
    ->{status}, 200, 'lines that end with CR LF');
is_deeply([data(), data()], [$event, $event],
    'lines that end with CR LF: delivered without it');

my $converted = { event => 'MessageNew', mailbox => 'INBOX', uid => 5,
    uidvalidity => 7, from => 'b@c', subject => 's', preview => 'p',
    unseen => 2 };

for my $query ('?account=alice', '?account=', '') {
    is($t->post("/publish$query", $ox)->{status}, 200, "OX: \"$query\"");
    is_deeply($s->event()->{json}, $converted, "OX: \"$query\": converted");
}

is($t->status()->{publish}{published}, 1 + $n + 2 + 2 + 100 + 2 + 3,
    'published events are counted');


# Bad requests.

for (@bad) {
    my ($query, $body, $headers, $status, $detail) = @$_;
    my $name = substr(join(' ', $query, $body), 0, 50) =~ s/[^ -~]/?/gr;

    my $got = $t->post("/publish?$query", $body, headers => { %$headers });

    is($got->{status}, $status, "$name: status");
    is($got->{json}{status}, $status, "$name: problem");
    like($got->{json}{detail}, $detail, "$name: detail");
    like($got->{head}, qr{^Content-Type: application/problem\+json\r$}m,
        "$name: type");
}

$got = $t->get('/publish?account=alice');
is($got->{status}, 405, 'GET');
like($got->{head}, qr/^Allow: POST, PUT\r$/m, 'GET: Allow names the methods');

ok(!$s->event(0.1), 'no event of a bad request is delivered');


# A publisher that leaves before the answer, while Redis is silent.

for my $transport (qw(http h2)) {
    $t->redis()->command('CLIENT', 'PAUSE', 60_000, 'WRITE');

    my $r = $t->request('POST', '/publish?account=alice', body => $event,
        transport => $transport);

    ok($t->wait_for(sub {
        $t->redis()->command('CLIENT', 'LIST') =~ /flags=b.*cmd=fcall/
    }, 'FCALL'), "$transport: Redis has the command");

    $transport eq 'http' ? $r->abort() : $r->close();
    $t->redis()->command('CLIENT', 'UNPAUSE');
    is(data(), $event,
        "$transport: the publisher left: the event is delivered");
}

is($t->publish('alice', $event)->{json}{receivers}, 1,
    'the next event is published');


sub data { ($s->event() // {})->{data} }


sub head {
    return join("\r\n", 'POST /publish?account=alice HTTP/1.1',
        'Host: localhost', 'Connection: close',
        'Content-Type: application/json', @_, '', '');
}


sub chunks {
    my ($header, @chunks) = @_;

    return $t->open_stream(head('Transfer-Encoding: chunked')
        . join('', map { sprintf("%x\r\n%s\r\n", length($_), $_) } @chunks)
        . "0\r\n\r\n");
}
