#!/usr/bin/perl

# A GET parks a response, on each transport and in any worker.  It has the
# account's events: each on one line, in order, complete, up to the limit.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2 h2c);
my @methods = qw(PUT PATCH DELETE OPTIONS PROPFIND);
my $max = 65536;

# The ids of this test are in no log.
my $t = Pimap->new(workers => 2, http => 'pimap_gap_check 0;');
$t->plan(8 * @transports + 3 * @methods + 5 + 9 * (2 * @transports) + 8
    + 3 * @transports + 3);
$t->run();
$t->wait_ready();      # else a device gets no id

my $redis = $t->redis();


# The head and the first bytes.

for my $transport (@transports) {
    my $s = $t->park('alice', transport => $transport);

    is($s->status(), 200, "$transport: status");
    is($s->header('Content-Type'), 'text/event-stream', "$transport: type");
    is($s->header('Cache-Control'), 'no-store, no-transform',
        "$transport: not cached");
    is($s->header('X-Accel-Buffering'), 'no', "$transport: not buffered");
    like($s->read_until(qr/\n\n/) // '',
        qr/\Aretry: \d+\nid: 0\nevent: parked\ndata: \{\}\n\n\z/,
        "$transport: first bytes");
    $s->close();

    $s = $t->park('alice', method => 'HEAD', transport => $transport,
        close => 1);

    is($s->status(), 200, "$transport: HEAD");
    is($s->header('Content-Type'), 'text/event-stream',
        "$transport: type of HEAD");
    is($s->body(), '', "$transport: no body of HEAD");
}

for my $method (@methods) {
    my $s = $t->park('alice', method => $method, close => 1);

    is($s->status(), 405, "$method: status");
    is($s->header('Allow'), 'GET, HEAD, POST', "$method: the allowed methods");
    like($s->body(), qr/"status":405/, "$method: problem");
}

# The body of a refused request is not read as the next request.

my $inner = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $s = $t->open_stream("PUT /events?account=alice HTTP/1.1\r\n"
    . "Host: localhost\r\nContent-Length: " . length($inner) . "\r\n\r\n"
    . $inner
    . "HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
);

is($s->status(), 405, 'refused with a body');
is(join(' ', $s->body() =~ m{^HTTP/1.1 (\d+)}mg), 404, 'its body is skipped');

my $got = $t->get('/events?account=alice', body => 'x');

is($got->{status}, 400, 'GET with a body');
like($got->{json}{detail}, qr/only a POST/, 'with the reason');

ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'no device'),
    'all devices have left');


# Two devices on each transport, spread over the workers.

my %device;

for my $pid ($t->workers()) {
    for my $transport (@transports) {
        my $name = $transport . ' ' . keys(%device);

        $device{$name} = $t->nginx()->only($pid, sub {
            my $s = $t->park('alice', transport => $transport);
            $s->read_until(qr/: parked\n.*\n\n/);
            $s;
        });
    }
}

my $bob = $t->park('bob');
$bob->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice', 2);
$t->subscribed('bob');

my $short = '{"event":"MessageNew","uid":1}';
my $lines = qq({\r\n  "event" : "FlagsSet",\n\t"uids":[1,\n2]\r\n});
my $line = qq({  "event" : "FlagsSet",\t"uids":[1,2]});
my $utf8 = qq({"event":"MessageNew","subject":"Gr\\u00fc\xc3\x9fe \\n \\"x"});
my $head = '{"event":"MessageNew","preview":"';
my $big = $head . 'x' x ($max - length($head) - 2) . '"}';
my $state = '{"@type":"StateChange","changed":{"a1":{"Email":"s1"}}}';

my %got = map { $_ => [] } keys(%device);

# Devices are read meanwhile, because a full buffer would close them.

sub publish {
    my ($text, $n) = @_;

    my $receivers = $redis->publish('alice', $text);

    for my $name (sort(keys(%device))) {
        push(@{ $got{$name} }, $device{$name}->event() // {}) for 1 .. $n;
    }

    return $receivers;
}

is(publish($short, 1), 2, 'an event reaches both workers');
is(publish("17-1 $lines", 1), 2, 'an event with an id');
is(publish($head . 'x' x $max . '"}', 0), 2, 'an event over the limit');
publish($_, 1) for ($utf8, $big, "17-2 $big", $state);

# One command, so that Redis writes all at once; hiredis reads 16 kB a time.

$redis->command('EVAL', <<'END', 1, $redis->channel('alice'));
for i = 1, 48 do
    redis.call('PUBLISH', KEYS[1], '17-' .. (i + 2)
        .. ' {"event":"MessageNew","uid":' .. i .. ',"pad":"'
        .. string.rep('x', 1000) .. '"}')
end
END

for my $name (sort(keys(%device))) {
    my @got = @{ $got{$name} };

    is($got[0]{data}, $short, "$name: text as it was published");
    ok(!exists $got[0]{id}, "$name: no id if there was none");
    is("$got[1]{id} $got[1]{event} $got[1]{data}", "17-1 FlagsSet $line",
        "$name: id and name, on one line");
    is($got[2]{data}, $utf8, "$name: escapes and UTF-8");
    ok($got[3]{data} eq $big, "$name: an event of the largest size");
    ok($got[4]{data} eq $big && $got[4]{id} eq '17-2',
        "$name: the same with an id");
    is("$got[5]{event} $got[5]{data}", "state $state", "$name: state");

    my @burst = map { $device{$name}->event() // {} } 1 .. 48;

    is(join(' ', map { $_->{id} // '-' } @burst),
        join(' ', map { "17-$_" } 3 .. 50), "$name: a burst, in order");
    is_deeply([grep { length($_->{json}{pad} // '') != 1000 } @burst], [],
        "$name: complete");
}

is($redis->publish('bob', $short), 1, "an event of another account");
is($bob->event()->{data}, $short, 'reaches that device only');
ok(!$bob->event(0.1), 'no other event comes');

is($redis->publish('carol', $short), 0,
    'an account without a device has no receiver');
is($t->status()->{events}{invalid}, 2, 'events over the limit are counted');
$_->close() for values(%device);


# RFC 8620, 7.3: the response ends after one event.

my @once = map {
    my $s = $t->park('dave', transport => $_, query => 'closeafter=state');
    $s->read_until(qr/: parked\n.*\n\n/);
    $s;
} @transports;

ok($t->subscribed('dave'), 'a device that closes after an event');
$redis->command('EVAL', "redis.call('PUBLISH', KEYS[1], ARGV[1]);"
    . "redis.call('PUBLISH', KEYS[1], ARGV[2])", 1,
    $redis->channel('dave'), $state, $short);

for my $transport (@transports) {
    my $s = shift(@once);

    is(($s->event() // {})->{event}, 'state', "$transport: the event");
    ok($s->ended(), "$transport: the end");
    ok(!$s->event(0.05), "$transport: no other event");
}

is($t->status()->{ends}{closeafter}, 4, 'counted by reason');
ok($t->wait_for(sub { $redis->numsub('dave') == 0 }, 'no subscription'),
    'unsubscribed');
