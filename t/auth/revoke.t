#!/usr/bin/perl

# Revoking ends parked responses at once: those of an account, or of a device,
# in all workers.  Tokens that were issued earlier are refused.  A worker that
# missed a revocation finds it when Redis is back.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2);
my $token = Pimap::Token->new($t);
my $key = 'pimap_token_key ' . $token->jwks('keys.json', 'secret') . ';';

$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=20s; ' . ($ENV{PIMAP_HTTP} ? '' : 'pimap_hibernate on;');
$t->nginx()->{locations} .= <<"END";
    $key

    location = /token { pimap_login token ticket; pimap_events; }
    location = /ticket { pimap_login token; pimap_ticket; }
END

$t->plan(4 * @transports + 27);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $old = int(time()) - 60;

# all devices of an account, by every kind of login, and no other account's

my %s = map { ($_ => park('alice', "device=$_", transport => $_)) }
    @transports;
my @plain = map { $t->park('alice', transport => $_) } @transports;
my $bob = park('bob');

my $ticket = $t->get('/ticket', headers => bearer('alice', $old))
    ->{json}{ticket};

$_->read_until(qr/: parked\n.*\n\n/) for values(%s), @plain, $bob;
$t->subscribed('alice');
$t->subscribed('bob');
my $then = time();
my $heard = $redis->fcall(revoke => 'alice');

ok($heard >= 1 && $heard <= 2, 'workers with the account are told');

for my $transport (@transports) {
    my $event = $s{$transport}->event() // {};

    is($event->{event}, 'expired', "$transport: expired");
    is_deeply($event->{json}, { reason => 'revoked' },
        '    the reason is that it was revoked');
    ok($s{$transport}->ended(), '    and the response ended');
}

is(shift(@plain)->event()->{event}, 'expired',
    "$_: expired, device without a token")
    for @transports;

cmp_ok(time() - $then, '<', 1, 'all of that within a second');
$redis->publish('bob', { event => 'X' });
is($bob->event()->{event}, 'X', 'devices of another account stay');
is(refused('alice', $old), 'revoked', 'a token issued before is refused');
is(refused('alice', undef), 'revoked', '    so is a token without time');
is($t->get("/token?ticket=$ticket")->{status}, 401, '    and its ticket');
is(head('alice', int(time()) + 2), 200, '    but not a token issued later');

my $password = $t->park('alice');
$password->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
$redis->publish('alice', { event => 'X' });
is($password->event()->{event}, 'X', 'a login by password parks again');
$password->close();

like($t->log(), qr/ended: reason="expired" account="alice" device="http"/,
    'the log has a line with the reason');

# a single device

my ($phone, $tv) = map { park('carol', "device=$_") } qw(phone tv);

$_->read_until(qr/: parked\n.*\n\n/) for $phone, $tv;
$t->subscribed('carol');
$redis->fcall(revoke => 'carol', 'phone');

is($phone->event()->{event}, 'expired', 'a device is revoked');
$redis->publish('carol', { event => 'X' });
is($tv->event()->{event}, 'X', '    another device of the account stays');
is(refused('carol', $old, 'device=phone'), 'revoked',
    '    the token is refused for that device');
is(head('carol', $old, 'device=tv'), 200, '    but not for another device');
is(head('carol', $old), 200, '    or without a device');

# A worker that missed the message: it came before the subscription, or while
# the subscription or the connection for commands was lost.

for my $lost (qw(pubsub normal)) {
    my $s = live($lost);

    revoked($lost);
    $redis->command(qw(CLIENT KILL TYPE), $lost);
    is($s->event()->{event}, 'expired', "$lost lost: found later");
}

# a device gets its head before Redis answers, if a worker has subscribed

my $first = live('dave');
my @before = devices();

revoked('dave');
$redis->pause();

my @late = map { park('dave', '', transport => $_) } @transports;

is((grep { $_->read_until(qr/: parked\n.*\n\n/) } @late), @transports,
    'Redis is silent: devices of a known account park');

# More devices, until each worker has a new device.

my @more;

$t->wait_for(sub {
    push(@more, park('dave'));
    $more[-1]->read_until(qr/: parked\n.*\n\n/);

    my @now = devices();

    !grep { $now[$_] == $before[$_] } 0 .. $#now;
}, 'a device in each worker');

$redis->resume();
is($_->event()->{event}, 'expired', '    the answer revokes them') for @late;
is($first->event()->{event}, 'expired', '    and an older device');

# Redis is away

my $erin = live('erin');

$redis->stop();
ok($t->wait_away(), 'Redis is away');

# (the workers are stopped meanwhile, because they look only once)

my @pids = $t->workers();

kill('STOP', @pids);
$redis->start()->load();
revoked('erin');
$redis->fcall(revoke => 'nobody');
kill('CONT', @pids);
is($erin->event()->{event}, 'expired', 'Redis is back: it is found');
$t->wait_ready();

# a malformed "!revoke" closes no device

my $ivan = live('ivan');

$redis->publish('ivan', $_) for '!revoke', '!revoke ', '!revoke x',
    '!revoke -1', '!revoke ' . '9' x 30, '!revoke 1 ', '!revoke 9999999999 d';
$redis->publish('ivan', { event => 'X' });
is($ivan->event()->{event}, 'X', 'a malformed "!revoke" closes no device');

# a backend that has lost the logins gets them again; any login will do

$redis->publish('ivan', '!login x');
$redis->publish('ivan', '!login');
my $event = $ivan->event();
is("$event->{event} $event->{data}", 'expired {"reason":"login"}',
    'the backend needs a login: the devices are told so');
ok($ivan->closed(), '    the response ends');
is(head('ivan', $old), 200, '    the same login is good');


sub bearer { $token->issued(@_) }


sub park {
    my ($account, $query, %set) = @_;

    return $t->request(GET => '/token?' . ($query // ''), %set,
        headers => bearer($account, $old));
}


# The number of devices in each worker.

sub devices { map { $_->{devices} } @{ $t->status()->{workers} } }


sub live {
    my ($account) = @_;

    my $s = park($account);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);
    $redis->publish($account, { event => 'Live' });
    $s->event();

    return $s;
}


sub revoked { $redis->revoked($_[0]) }


sub head {
    my ($account, $iat, $query) = @_;

    return $t->request(HEAD => '/token?' . ($query // ''),
        headers => bearer($account, $iat))->status();
}


sub refused {
    my ($account, $iat, $query) = @_;

    my $answer = $t->get('/token?' . ($query // ''),
        headers => bearer($account, $iat));

    return $answer->{head} =~ /error_description="(.*)"/ ? $1
        : $answer->{status};
}
