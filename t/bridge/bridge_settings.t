#!/usr/bin/perl

# Each setting of pimap-bridge.conf for Redis, logins, sessions and updates
# does what its comment says.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;
use Pimap::FakeLogin;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(28);
$t->run();

my $redis = $t->redis();
my $fake = Pimap::FakeImap->new(t => $t);
my $users = Pimap::FakeLogin->new(t => $t, name => 'imap')->start();
my %large = (Large => [7, 1 .. 2000]);
my (@devices, $bridge);

$fake->start();
$fake->script(
    Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
    ['serve', { INBOX => [5, 1], %large }, 'IDLE'],
    ['say', "* 5 EXISTS\r\n"],
    ['serve', { INBOX => [5, 1 .. 5], %large }, 'LOGOUT']);

# Redis

watch(redis => 'db = 3; maxlen = 2; ttl = "100s"; verify = false; '
    . 'max_waiting = 100; max_bytes = 1048576;');

my $db = $redis->connect();

$db->command('SELECT', 3);
ok($t->wait_for(sub { ($bridge->metric('events_published_total') // 0) == 5 },
    'events'), 'redis: the first look and four events are published');
is($db->command('XLEN', 'pimap:{user1}'), 2,
    'redis.db, redis.maxlen: two of them are kept');
cmp_ok($db->command('TTL', 'pimap:{user1}'), '<=', 110,
    'redis.ttl: they expire, a tenth later at most');
is($redis->command('EXISTS', 'pimap:{user1}'), 0,
    '    another data base has nothing');

# Sessions

watch(sessions => 'enabled = false;', sessions_of => 0);
ok($t->wait_for(sub { ($bridge->metric('accounts_with_device') // 0) == 1 },
    'a device'), 'sessions.enabled = false: the device is known');
is($bridge->metric('logins_total'), 0, '    the server is not asked');

watch(sessions => 'max_accounts = 1;');
push(@devices, $t->park('user2'));
ok($t->wait_for(sub { $bridge->log() =~ /"user2" is ignored: max_accounts 1/ },
    'a line'), 'sessions.max_accounts: another account is ignored');
is($bridge->metric('accounts_with_session'), 1, '    it has no session');

# A device that comes back soon, and one that had a session before

watch(sessions => 'linger = "60s";');
(shift(@devices))->close();
ok($t->wait_for(sub { $bridge->log() =~ /no device is parked/ }, 'a line'),
    'sessions.linger: the device leaves');
is($bridge->metric('accounts_with_session'), 1, '    the session stays');

$bridge->stop();
$redis->together(sub { $redis->command('SET', "other:$_", 1) for 1 .. 5000 });
park();
$t->wait_for(sub { $t->status()->{parked} == 1 }, 'a device');
$redis->command('DEL', 'pimap:{user1}:lease');
$bridge->start();
ok($bridge->watches(1), 'a restart: a device is found among many keys');
$redis->command('DEL', map { "other:$_" } 1 .. 5000);

# The rate of connections, also after a quiet time

watch(sessions => 'connect_rate = 2; linger = "0s";');
sleep(4);

my $began = time();

push(@devices, map { $t->park("user$_") } 2 .. 7);
ok($bridge->watches(7), 'sessions.connect_rate: six more sessions');
cmp_ok(time() - $began, '>', 1.5, '    are not opened at once');

# Updates

watch(updates => 'enabled = false;');
search('u1');
is_deeply($redis->command('XINFO', 'GROUPS', 'pimap:updates'), [],
    'updates.enabled = false: nothing takes an update');

watch(updates => 'group = "others"; max_waiting = 1;');
search("u$_") for 2 .. 4;
is(join(' ', map { result() } 2 .. 4), 'u2 done u3 done u4 done',
    'updates.max_waiting: more updates than that are carried out in turn');
is($redis->command('XINFO', 'GROUPS', 'pimap:updates')->[0][1], 'others',
    'updates.group: the consumer group has this name');

watch(updates => 'max_result = 4096;');
search('u5', 'Large');

my $long = event('UpdateResult');

is($long->{status}, 'done', 'updates.max_result: a longer result comes');
ok($long->{truncated}, '    shortened');
like($long->{detail}, qr/\d+ bytes, 4096 are possible/, '    with the reason');

# Logins

over();
$bridge = Pimap::Bridge->new(t => $t, auth => 'lowercase = false; '
    . 'max_cached = 3; cache = "3s"; failed = "60s"; delay = "0s";')->start();
is($bridge->auth('Bob', 'secret'), 'Bob',
    'auth.lowercase = false: the account is as it was given');
is($bridge->auth("user$_", 'secret'), "user$_", "    user$_ logs in")
    for 1, 2;
$bridge->auth('mallory', "guess $_") for 1 .. 10;
is($bridge->metric('auth_cache'), 3, 'auth.max_cached: no more are kept');

my $asked = $users->noted(qr/login .*/);

is($bridge->auth('user1', 'secret'), 'user1', '    good ones stay');
is($users->noted(qr/login .*/), $asked, '    the server is not asked again');
ok($t->wait_for(sub { $bridge->auth('user1', 'secret');
    $users->noted(qr/login .*/) > $asked }, 'a login'),
    'auth.cache: later it is asked again');

$bridge->stop();
unlike($bridge->log(), qr/guess/, '    no password is in the log');
is($t->read_file($t->dir() . '/fakeimap.out'), '',
    'the fake server reports no error');


# A bridge with these settings, and a device of user1.

sub watch {
    my ($group, $settings, %set) = @_;

    over() if $bridge;

    $bridge = Pimap::Bridge->new(t => $t, $group => $settings,
        imap => $fake->port(), server => Pimap::Bridge->master())
        ->start()->wait_healthy();

    park();
    $bridge->watches($set{sessions_of} // 1);
}


sub park {
    @devices = $t->park('user1', query => 'device=phone');
    $devices[0]->read_until(qr/: parked\n.*\n\n/);
}


sub over {
    $bridge->stop();
    $_->close() for @devices;
    @devices = ();

    $redis->command('DEL', 'pimap:updates', map { "pimap:{user1}$_" } '',
        ':bridge', ':lease');
}


sub search {
    my ($id, $mailbox) = @_;

    $redis->command('FCALL', 'pimap_update', 2, 'pimap:{user1}',
        'pimap:updates', 100, 'phone', $id, $t->json({ id => $id,
            update => 'search', mailbox => $mailbox // 'INBOX',
            query => {} }));
}


sub event {
    my ($name) = @_;

    while (my $event = $devices[0]->event()) {
        return $event->{json} if $event->{event} eq $name;
    }

    return Pimap::Missing->new();
}


sub result {
    my $event = event('UpdateResult');
    return "$event->{update} $event->{status}";
}
