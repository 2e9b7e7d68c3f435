#!/usr/bin/perl

# Redis that is there but does not do what it is asked for: publishers get an
# error, and devices every event that was published, or a resync.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_gap_check 0;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(45);
$t->run();
$t->wait_ready();

my $client = $redis->connect();

sub mail { return { event => 'MessageNew', uid => ++$uid } }

# By HTTP, as publishers do it that are to know whether it worked.

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
ok(retry(), 'and it works again');
is(uids($s, 1), $uid, 'delivered, once');
is($t->log_lines(qr/loaded its functions/), $loaded + 1, 'loaded anew');

$client->command(qw(FUNCTION FLUSH));

my $resumed = $t->park('alice', headers => { 'Last-Event-ID' => $first });

is(uids($resumed, 1), $uid, 'functions flushed: a device resumes');
$resumed->close();

$client->command(qw(FUNCTION FLUSH));
ok($t->park('alice')->read_until(qr/: parked\n\n/), 'and a fresh one parks');
ok(retry(), 'functions are there');

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
is(last_id(), $id, 'nothing is in the log');
$resumed = $t->park('alice', headers => { 'Last-Event-ID' => $first });
is(uids($resumed, 2), join(' ', 2, $uid - 1), 'a device resumes');

# ... and the functions are gone, and can't be loaded: that will pass.

$client->command(qw(FUNCTION FLUSH));
is($t->publish('alice', mail())->{status}, 503, 'without functions, too');
ok($t->wait_for(sub { $client->command('INFO', 'commandstats')
    =~ /cmdstat_function\|load:calls=\d+,.*rejected_calls=[1-9]/ },
    'a refused FUNCTION LOAD'), 'loading them is refused');

my $late = $t->park('alice', headers => { 'Last-Event-ID' => $first });

ok($late->quiet(0.1), 'a device waits, and is not told nonsense');
$client->command(qw(CONFIG SET maxmemory 0));
ok(retry(), 'memory again');
is(uids($late, 3), join(' ', 2, $uid - 2, $uid), 'it gets what it missed');
is(uids($_, 1), $uid, 'delivered') for $s, $resumed;
is($t->log_lines(qr/no log in redis/), 0, 'nobody said that there is no log');

# READONLY

$client->command('REPLICAOF', '127.0.0.1', $t->port('nobody'));
is(publish()->{status}, 503, 'a replica: an error');
$client->command(qw(REPLICAOF NO ONE));
ok(retry(), 'a master again');
is(uids($s, 1), $uid, 'delivered');

# The account's log is something else.

$client->command('SET', $redis->channel('bob') . ':log', 'x');

my $bob = $t->park('bob', headers => { 'Last-Event-ID' => $first });

is(($bob->event() // {})->{json}{reason}, 'unavailable', 'no log: told');
$redis->publish('bob', { event => 'FlagsSet' });
is($bob->event()->{event}, 'FlagsSet', 'and live');

# An account of a name for which there can be no log.

my $brace = $t->park('%7Dx');

ok($brace->read_until(qr/: parked\n\n/), 'an account that begins with "}"');

my @others = map { $t->park("carol$_") } 1 .. 3;

is(scalar(grep { defined $_->header('Pimap-Last-Event-ID') } @others), 3,
    'does not delay others');

# A BUSY script

$client->command(qw(CONFIG SET busy-reply-threshold 1));

my $busy = $redis->connect();

$busy->send('EVAL', 'local n = redis.call("TIME")[1] + 2 '
    . 'repeat until tonumber(redis.call("TIME")[1]) >= n', 0);
$t->wait_for(sub { !eval { $client->command('DBSIZE') } }, 'BUSY');
is(publish()->{status}, 503, 'busy: an error');
eval { $client->command(qw(SCRIPT KILL)) };
ok(retry(), 'not busy any more');
is(uids($s, 1), $uid, 'delivered');

# FLUSHALL: with an event after it, and without.

$client->command('FLUSHALL');
ok(retry(), 'all flushed');
is(uids($s, 2), "resync $uid", 'told, and then what is new');

$id = last_id();
$client->command('FLUSHALL');
$t->redis()->command(qw(CLIENT KILL TYPE pubsub));
is($s->event()->{json}{reason}, 'empty', 'flushed while quiet: told');
$late = $t->park('alice', headers => { 'Last-Event-ID' => $id });
is(($late->event() // {})->{json}{reason}, 'empty', 'one that comes, too');
publish();
is(uids($_, 1), $uid, 'the next event') for $s, $late;

# NOPERM, from now on.

$id = last_id();
publish();
is(uids($s, 1), $uid, 'allowed');
$client->command(qw(ACL SETUSER default -fcall -fcall_ro));
$late = $t->park('alice', headers => { 'Last-Event-ID' => $id });

my $told = $late->event() // {};

is($told->{json}{reason}, 'unavailable', 'not allowed: told');
is($told->{id}, $id, 'and it can go on from where it is, later');
is(publish()->{status}, 200, 'published');
is(uids($s, 1), $uid, 'live');
is($t->log_lines(qr/no log in redis.*NOPERM/), 1, 'said once');
