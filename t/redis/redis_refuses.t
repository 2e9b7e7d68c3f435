#!/usr/bin/perl

# Redis answers, but with errors: publishers get an error, and devices get each
# published event or a resync.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_gap_check 0;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(46);
$t->run();
$t->wait_ready();

my $client = $redis->connect();

sub mail { return { event => 'MessageNew', uid => ++$uid } }

# By HTTP, so that the publisher learns whether it worked.

sub publish { return $t->publish('alice', mail(), @_) }

sub retry {
    return $t->wait_for(sub {
        my $answer = $t->publish('alice', { event => 'MessageNew',
            uid => $uid }, headers => { 'Idempotency-Key' => "k$uid" });

        return $answer->{status} == 200 && $answer->{json}{id};
    }, 'a publish that works');
}

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n));
}

sub last_id {
    return $redis->command('FCALL_RO', 'pimap_last', 1,
        $redis->channel('alice'));
}

my $s = $t->park('alice');

$t->subscribed('alice');
is(publish()->{status}, 200, 'published');
is(uids($s, 1), 1, 'delivered');

# FUNCTION FLUSH

my $first = last_id();
my $loaded = $t->log_lines(qr/loaded its functions/);

$client->command(qw(FUNCTION FLUSH));
is(publish()->{status}, 503, 'functions flushed: an error');
ok(retry(), 'functions flushed: published again');
is(uids($s, 1), $uid, 'functions flushed: delivered once');
is($t->log_lines(qr/loaded its functions/), $loaded + 1, 'loaded anew');

$client->command(qw(FUNCTION FLUSH));

my $resumed = $t->park('alice', headers => { 'Last-Event-ID' => $first });

is(uids($resumed, 1), $uid, 'functions flushed: a device resumes');
$resumed->close();

$client->command(qw(FUNCTION FLUSH));
ok($t->park('alice')->read_until(qr/: parked\n.*\n\n/),
    'functions flushed: a new device is parked');
ok(retry(), 'functions are loaded');

# The worker has just looked at them, and does so every 5 s.

my $start = time();

$client->command(qw(FUNCTION FLUSH));
ok($t->wait_for(sub {
    $t->publish('bob', { event => 'MessageNew' })->{json}{id}
}, 'an id') && time() - $start < 4, 'functions flushed: loaded at once');

# An older library

$client->command(qw(FUNCTION LOAD REPLACE), <<'END');
#!lua name=pimap
redis.register_function('pimap_version', function() return 0 end)
END
is(publish()->{status}, 503, 'an older library: an error');
ok(retry(), 'replaced');
is(uids($s, 1), $uid, 'delivered');

# OOM

my $id = last_id();

$client->command(qw(CONFIG SET maxmemory 1mb));
is(publish()->{status}, 503, 'out of memory: an error');
is(last_id(), $id, 'out of memory: nothing is in the log');
$resumed = $t->park('alice', headers => { 'Last-Event-ID' => $first });
is(uids($resumed, 2), join(' ', 2, $uid - 1),
    'out of memory: a device resumes');

# Out of memory and without functions, which can't be loaded for now.

$client->command(qw(FUNCTION FLUSH));
is($t->publish('alice', mail())->{status}, 503,
    'out of memory, no functions: an error');
ok($t->wait_for(sub { $client->command('INFO', 'commandstats')
    =~ /cmdstat_function\|load:calls=\d+,.*rejected_calls=[1-9]/ },
    'a refused FUNCTION LOAD'),
    'out of memory, no functions: loading is refused');

my $late = $t->park('alice', headers => { 'Last-Event-ID' => $first });

ok($late->quiet(0.1), 'out of memory, no functions: a device waits');
$client->command(qw(CONFIG SET maxmemory 0));
ok(retry(), 'memory again');
is(uids($late, 3), join(' ', 2, $uid - 2, $uid),
    'memory again: the device gets missed events');
is(uids($_, 1), $uid, 'delivered') for $s, $resumed;
is($t->log_lines(qr/no log in redis/), 0,
    'no log line says that there is no log');

# READONLY

$client->command('REPLICAOF', '127.0.0.1', $t->port('nobody'));
is(publish()->{status}, 503, 'a replica: an error');
$client->command(qw(REPLICAOF NO ONE));
ok(retry(), 'a master again');
is(uids($s, 2), "resync $uid",
    'it may lack events that another master has given: resync, delivered');

# The account's log has a wrong type.

$client->command('SET', $redis->channel('bob'), 'x');

my $bob = $t->park('bob', headers => { 'Last-Event-ID' => $first });

is(($bob->event() // {})->{json}{reason}, 'unavailable',
    'a log of a wrong type: resync');
$redis->publish('bob', { event => 'FlagsSet' });
is($bob->event()->{event}, 'FlagsSet', 'and live');

# An account whose name allows no log.

is($t->park('%7Dx')->status(), 400, 'an account that begins with "}": 400');

my @others = map { $t->park("carol$_") } 1 .. 3;

is(scalar(grep { defined $_->header('Pimap-Last-Event-ID') } @others), 3,
    'other accounts are not delayed');

# A BUSY script

$client->command(qw(CONFIG SET busy-reply-threshold 1));

my $busy = $redis->connect();

$busy->send('EVAL', 'local n = redis.call("TIME")[1] + 2 '
    . 'repeat until tonumber(redis.call("TIME")[1]) >= n', 0);
$t->wait_for(sub { !eval { $client->command('DBSIZE') } }, 'BUSY');
is(publish()->{status}, 503, 'busy: an error');
eval { $client->command(qw(SCRIPT KILL)) };
ok(retry(), 'not busy: published again');
is(uids($s, 1), $uid, 'delivered');

# FLUSHALL: with an event after it, and without.

$client->command('FLUSHALL');
ok(retry(), 'all flushed');
is(uids($s, 2), "resync $uid", 'flushed: resync, then the new event');

$id = last_id();
$client->command('FLUSHALL');
$t->redis()->command(qw(CLIENT KILL TYPE pubsub));
is($s->event()->{json}{reason}, 'empty', 'flushed while quiet: resync');
$late = $t->park('alice', headers => { 'Last-Event-ID' => $id });
is(($late->event() // {})->{json}{reason}, 'empty',
    'flushed while quiet: a new device gets resync');
publish();
is(uids($_, 1), $uid, 'flushed while quiet: the next event') for $s, $late;

# NOPERM, from now on.

$id = last_id();
publish();
is(uids($s, 1), $uid, 'allowed');
$client->command(qw(ACL SETUSER default -fcall -fcall_ro));
$late = $t->park('alice', headers => { 'Last-Event-ID' => $id });

my $told = $late->event() // {};

is($told->{json}{reason}, 'unavailable', 'not allowed: resync');
is($told->{id}, $id, 'not allowed: the id stays the same');
is(publish()->{status}, 200, 'published');
is(uids($s, 1), $uid, 'live');
is($t->log_lines(qr/no log in redis.*NOPERM/), 1, 'said once');
