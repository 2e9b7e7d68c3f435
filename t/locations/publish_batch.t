#!/usr/bin/perl

# With "batch" one request publishes for several accounts.  Each line names
# its account, and has a line of the answer; a bad line costs only itself.

use strict;
use warnings;

use JSON::PP qw/decode_json/;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_max_event 4k; pimap_max_body 1m;');

$t->nginx()->{locations} .= <<'END';
        location = /batch {
            pimap_publish batch;
        }

        location = /batch_of_a_part {
            pimap_publish batch;

            limit_except PUT {
                allow all;
            }
        }
END

# the text of a line, the detail of its answer, the status
my @bad = (
    ['x', qr/syntax error at byte 1/],
    ['[]', qr/not an object/],
    ['{"account":"a","event":{"event":"X"}', qr/unexpected end/],
    ['{"event":{"event":"X"}}', qr/no "account"/],
    ['{"account":"a"}', qr/no "event"/],
    ['{"account":1,"event":{"event":"X"}}', qr/"account" is no name/],
    ['{"account":"","event":{"event":"X"}}', qr/"account" is no name/],
    ['{"account":"a\u0001","event":{"event":"X"}}', qr/control/],
    ['{"account":"' . 'a' x 256 . '","event":{"event":"X"}}',
        qr/longer than "pimap_max_account_length"/],
    ['{"account":"a","event":"X"}', qr/"event" is not an object/],
    ['{"account":"a","event":{}}', qr/neither/],
    ['{"account":"a","event":{"event":"ping"}}', qr/reserved/],
    ['{"account":"a","event":{"event":"X"},"key":""}', qr/"key" is no str/],
    ['{"account":"a","event":{"event":"X"},"key":"' . 'k' x 129 . '"}',
        qr/"key" is no string of 1 to 128 bytes/],
    ['{"account":"a","event":{"event":"X"},"mailbox":"b"}', qr/a member bes/],
    ['{"account":"a","account":"b","event":{"event":"X"}}', qr/duplicate/],
    ['{"account":"a","event":{"event":"X","x":"' . 'x' x 4096 . '"}}',
        qr/pimap_max_event/, 413],
);

$t->plan(47 + @bad);
$t->run();
$t->wait_ready();

my %s = map { $_ => $t->park($_) } qw(alice bob);

$t->subscribed($_) for keys(%s);

sub line {
    my ($account, $uid, %more) = @_;

    return $t->json({ account => $account,
        event => { event => 'MessageNew', uid => $uid }, %more });
}

sub batch {
    my ($lines, %set) = @_;

    my $path = delete $set{path} // '/batch';

    $set{headers}{'Content-Type'} = 'application/x-ndjson';

    my $got = $t->post($path, join("\n", @$lines), %set);

    $got->{lines} = [map { decode_json($_) } split(/\n/, $got->{body})];

    return $got;
}

sub uids {
    my ($s, $n) = @_;

    return join(' ', map { $_->{json}{uid} } $s->events($n));
}

# Good lines

my $got = batch([line('alice', 1), '', line('Bob', 2), line('alice', 3),
    '{"account":"\u0061lice","event":{"event":"MessageNew","uid":4}}']);

is($got->{status}, 200, 'lines of several accounts: status');
like($got->{head}, qr{^Content-Type: application/x-ndjson\r$}m, 'type');
is(join(' ', map { $_->{line} } @{ $got->{lines} }), '1 3 4 5',
    'each line has an answer, an empty line none');
is(join(' ', map { $_->{receivers} } @{ $got->{lines} }), '1 1 1 1',
    'each answer has the receivers');

my @alice = $s{alice}->events(3);

is(join(' ', map { $_->{json}{uid} } @alice), '1 3 4',
    'an account gets its events in their order');
is(join(' ', map { $_->{id} } @alice), join(' ', map { $_->{id} }
    @{ $got->{lines} }[0, 2, 3]), 'with the ids of the answer');
is(uids($s{bob}, 1), '2', 'the other account gets its event');

for my $transport (qw(https h2)) {
    is(batch([line('bob', 5)], transport => $transport)->{lines}[0]{line}, 1,
        "by $transport");
    is(uids($s{bob}, 1), '5', "by $transport: delivered");
}

is(batch([line('bob', 6)], path => '/batch_of_a_part')->{status}, 200,
    'in a location with "limit_except"');
is(uids($s{bob}, 1), '6', 'delivered');

# Bad lines

$got = batch([line('alice', 10), (map { $_->[0] } @bad), line('alice', 11)]);

is($got->{status}, 207, 'bad lines: status');
is(scalar(@{ $got->{lines} }), @bad + 2, 'each has its answer');
is(uids($s{alice}, 2), '10 11', 'the good lines are published');

for my $i (0 .. $#bad) {
    my ($text, $detail, $status) = @{ $bad[$i] };
    my $answer = $got->{lines}[$i + 1];

    ok($answer->{line} == $i + 2 && $answer->{status} == ($status // 400)
        && $answer->{detail} =~ $detail, substr($text, 0, 60))
        or diag($t->json($answer));
}

is($t->status()->{publish}{invalid}, @bad, 'bad lines are counted');

for my $body ([], ['', "\r"]) {
    $got = batch($body);
    is($got->{status}, 400, 'a body without a line');
}

# The bound of lines

my @short = ('{}') x 10_000;

$got = batch(\@short);
is(scalar(@{ $got->{lines} }), 10_000, '10,000 lines are taken');
is($got->{lines}[-1]{line}, 10_000, 'and answered');

$got = batch([@short, '{}']);
is($got->{status}, 413, 'one line more is refused');
like($got->{json}{detail}, qr/more than 10000 lines/, 'with the reason');

# More lines than Redis has at a time

$got = batch([map { line(('alice', 'bob')[$_ % 2], $_) } 1 .. 1000]);
is($got->{status}, 200, '1000 lines');
is(join(' ', map { $_->{line} } @{ $got->{lines} }), join(' ', 1 .. 1000),
    'their answers are in order');
is(uids($s{bob}, 500), join(' ', map { 2 * $_ - 1 } 1 .. 500),
    'so are the events of one account');
is(uids($s{alice}, 500), join(' ', map { 2 * $_ } 1 .. 500),
    'and those of the other');

# Sent again with a key: published once

my @keys = map { $_->{id} } map { @{ batch([line('alice', 20, key => 'k-1'),
    line('alice', 21, key => 'k-2')])->{lines} } } 1 .. 2;

is("@keys[0, 1]", "@keys[2, 3]", 'a key for each line: the same ids');
is(uids($s{alice}, 2), '20 21', 'published once');

@keys = map { $_->{id} } map { @{ batch([line('alice', 22), line('alice', 23)],
    headers => { 'Idempotency-Key' => 'batch-1' })->{lines} } } 1 .. 2;

is("@keys[0, 1]", "@keys[2, 3]", 'a key for the request: the same ids');
isnt($keys[0], $keys[1], 'each line has a key of its own');
is(uids($s{alice}, 2), '22 23', 'published once');

# Who may publish for whom

my $event = '{"event":"MessageNew","uid":30}';

$got = batch([$event, 'x'], path => '/batch?account=alice');
is($got->{status}, 400, 'a request with an account: its lines are events');
like($got->{json}{detail}, qr/in line 2/, 'all or none is published');

$got = batch([line('alice', 31)], path => '/publish');
is($got->{status}, 400, 'a location without "batch" takes no such lines');

$got = batch([line('bob', 32)], path => '/publish?account=alice');
is($got->{status}, 400, 'nor does it with an account');

is($t->post('/batch', line('alice', 33))->{status}, 400,
    'one event of JSON needs an account in the request');

# The publisher leaves while Redis is silent

my $lines = join("\n", map { line('alice', 1000 + $_) } 1 .. 1000);
my $redis = $t->redis();

sub silent {
    $redis->command('CLIENT', 'PAUSE', 60_000, 'WRITE');

    my $r = $t->request('POST', '/batch', body => $lines, close => 1,
        headers => { 'Content-Type' => 'application/x-ndjson' });

    ok($t->wait_for(sub {
        $redis->command('CLIENT', 'LIST') =~ /flags=b.*cmd=fcall/
    }, 'FCALL'), 'Redis is silent: it has a part of the lines');

    return $r;
}

silent()->abort();

ok($t->wait_for(sub { $t->log() =~ /client prematurely closed/ }, 'the end'),
    'the publisher leaves');
$redis->command('CLIENT', 'UNPAUSE');
is(uids($s{alice}, 256), join(' ', 1001 .. 1256),
    'the lines that Redis had are published');
ok($s{alice}->quiet(0.2), 'the others are not');

# Redis is lost in the middle

my $r = silent();

$redis->kill();

is($r->status(), 207, 'Redis is lost: status');

my @answers = map { decode_json($_) } split(/\n/, $r->body());
my %n;

$n{$_->{status}}++ for @answers;
is_deeply(\%n, { 504 => 256, 503 => 744 }, 'each line says what is known');
is($answers[255]{status}, 504, 'the lines that Redis had are in doubt');
like($answers[255]{detail}, qr/may be published or not/, 'with the reason');
like($answers[256]{detail}, qr/^Redis is away$/, 'the others are not sent');
