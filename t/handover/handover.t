#!/usr/bin/perl

# A reload hands parked devices over to the new workers.  Their responses
# continue, and events come once and in order.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;',
    http => 'pimap_drain 5s; pimap_gap_check 0;',
    server => 'pimap_ping 10s min=1s;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(3 * 6 + 18);
$t->run();
$t->wait_ready();

sub event { return { event => $_[0], uid => ++$uid, mailbox => 'INBOX' } }

sub uids {
    my ($s, $n) = @_;

    return join(' ', map { $_->{json}{uid} // $_->{event} // '-' }
        $s->events($n));
}

# Reloads, and waits until the old workers have exited.

sub reload {
    my @old = $t->workers();

    $t->reload();
    return $t->wait_for(sub { !grep { -e "/proc/$_" } @old },
        'the old workers');
}

my %s;

for my $transport (qw(http https)) {
    $s{"$transport $_"} = $t->park("user$_", transport => $transport,
        query => "device=$transport") for 1 .. 5;
    $s{"filter $transport"} = $t->park('user1', transport => $transport,
        query => "types=Quota,ContactCard&mailboxes=INBOX,%C3%A9"
            . "&collections=/a/,/b/&device=f$transport");
    $s{"ping $transport"} = $t->park('ping', transport => $transport,
        query => 'ping=2');
}

my $old = $t->park('superseded', query => 'device=d');

$_->read_until(qr/: parked\n.*\n\n/) for $old, values(%s);
$t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == 8 && $d->{hibernated} == 7 }, 'detached');

for my $round (1 .. 3) {
    ok(reload(), "$round: the old workers exit");

    # The last devices may wait for Redis after the old worker has exited.

    ok($t->wait_for(sub { $t->status()->{parked} == 15 }),
        "$round: all devices are parked");

    my $status = $t->status();

    is($status->{handover}{received}, 15 * $round, "$round: all are received");
    is($status->{handover}{sent}, 15 * $round, "$round: all are sent");
    is($status->{connects}, 15, "$round: none reconnected");

    my %uids;

    for my $user (map { "user$_" } 1 .. 5) {
        $redis->log($user, event('MessageNew'));
        $redis->publish($user, event('FlagsSet'));
        $uids{$user} = join(' ', $uid - 1, $uid);
    }

    is(join(', ', grep { /\d/ && uids($s{$_}, 2)
        ne $uids{s/.* /user/r} } sort(keys(%s))), '',
        "$round: each device got both events, with and without a log");
}

# The parameters of each device are kept.

$redis->publish('user1', { event => 'ContactChange', collection => $_,
    uid => $_ }) for qw(/c/ /b/);
is(uids($s{"filter $_"}, 1), '/b/', "collections are kept: $_")
    for qw(http https);
$redis->publish('user1', event('QuotaExceed'));
is(uids($s{"filter $_"}, 1), $uid,
    "the filter is kept: $_") for qw(http https);
is($s{"ping $_"}->event()->{json}{interval}, 2, "the ping is kept: $_")
    for qw(http https);

my $new = $t->park('superseded', query => 'device=d');

is((($old->events(1))[0] // {})->{event}, 'superseded', 'its name');
ok($old->ended(), 'in good order');
$new->close();

# The settings are those of the new configuration.

$t->nginx()->{server} = 'pimap_ping 10s min=5s;';
ok(reload(), 'a reload with other settings');
ok($s{'ping http'}->read_until(qr/"interval":5\b.*\n\n/),
    'the new settings are in force');

# The location is not configured any more.

$t->nginx()->{locations} =~ s{= /events}{= /elsewhere};

my @others = map { $s{"$_ 2"} } qw(http https);

ok(reload(), 'a reload without the location');
ok($_->ended(), 'without the location: told to come back') for @others;
like($_->{body}, qr/retry: \d+\nevent: retry\n.*\n\n\z/, 'with when')
    for @others;
ok($t->wait_for(sub { my $s = $t->status();
    $s->{parked} + $s->{accounts} == 0 }),
    'without the location: soon no devices, no accounts');

# A configuration that does not work changes nothing.

$t->nginx()->{locations} =~ s{= /elsewhere}{= /events};
ok(reload(), 'with it again');

my $s = $t->park('last');

$s->read_until(qr/: parked\n.*\n\n/);
$t->allow(qr/\[emerg\].*unknown directive/);
$t->nginx()->{http} .= ' nonsense;';

my @workers = $t->workers();

$t->nginx()->_command();
$t->nginx()->{process}->signal('HUP');
$t->wait_for(sub { $t->log() =~ /unknown directive "nonsense"/ }, 'its error');
$t->subscribed('last');
$redis->publish('last', event('FlagsSet'));
is(uids($s, 1) . " @workers", "$uid " . join(' ', $t->workers()),
    'a failed reload: the devices stay');
