#!/usr/bin/perl

# Several bridges share the accounts. Each account is watched by one bridge,
# and a new bridge gets its part. When a bridge is killed or stands still,
# another bridge takes over within the time of a lease. No event comes twice,
# and none is lost.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

# Which bridge an account prefers is by chance: with 8 accounts one bridge has
# none in a run of 128.

use constant { ACCOUNTS => 16, LEASE => 3, WAIT => 40 };

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(23);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();

# By a master user: one bridge with the separator of Dovecot, one with a SASL
# authzid

my %bridge = map { $_ => Pimap::Bridge->new(t => $t, name => $_,
    server => $_ eq 'one' ? Pimap::Bridge->master()
        : 'master_user = "boss"; master_password = "boss";',
    lease => 'rebalance = 100;') } qw(one two);

my @names = map { "user$_" } 1 .. ACCOUNTS;
my %device = map { $_ => $t->park($_) } @names;
$_->read_until(qr/: parked\n.*\n\n/) for values(%device);

sub watched { return map { $bridge{$_}->metric('accounts_with_session') // 0 }
    @_ }
sub sum { my $n = 0; $n += $_ for @_; return $n }

# A delivery to each account; returns the accounts that did not get exactly
# this event

my $round = 0;

sub deliver {
    $round++;
    $dovecot->deliver(to => $_, subject => "$round $_") for @names;
}

sub missing {
    my @bad;

    for my $name (@names) {
        my $event = $device{$name}->event() // {};
        my $subject = $event->{json}{subject} // 'nothing';

        push(@bad, "$name: $subject") if $subject ne "$round $name";
    }

    return join(', ', @bad);
}

sub twice { return join(', ', grep { !$device{$_}->quiet(0.02) } @names) }

# The devices were there before. A reload makes their workers announce them at
# once and not only every ten minutes.

$bridge{one}->start();
$t->reload();
ok($bridge{one}->watches(ACCOUNTS), 'a single bridge watches all accounts');
deliver();
is(missing(), '', '    each account gets its event');
is(twice(), '', '    once');

# A second bridge joins, finds the accounts in Redis, and gets its part

$bridge{two}->start();

ok($t->wait_for(sub {
    my @n = watched(qw(one two));
    sum(@n) == ACCOUNTS && $n[0] && $n[1];
}, 'shares', WAIT), 'a second bridge starts: it gets its part')
    or diag(join(' ', watched(qw(one two))));
deliver();
is(missing(), '', '    each account gets its event');
is(twice(), '', '    once');

# kill -9

my ($victim, $heir) = qw(one two);
my $start = time();

$bridge{$victim}->kill();
deliver();
ok($t->wait_for(sub {
    ($bridge{$heir}->metric('accounts_with_session') // 0) == ACCOUNTS
}, 'take-over', WAIT), 'kill -9: the other bridge watches all accounts');
my $took = time() - $start;
cmp_ok($took, '<', 2 * LEASE, "    within the lease and a little ($took s)");
is(missing(), '', '    the missed events come');
is(twice(), '', '    once');

# A bridge that is stopped and continued does not notice it.

$bridge{$victim}->start();
ok($t->wait_for(sub {
    my @n = watched(qw(one two));
    sum(@n) == ACCOUNTS && $n[0] && $n[1];
}, 'shares', WAIT), 'the bridge is started: the accounts are shared again');

my ($has) = watched($heir);
$bridge{$heir}->pause();
deliver();
ok($t->wait_for(sub { (watched($victim))[0] == ACCOUNTS }, 'take-over',
    WAIT), "SIGSTOP: its $has accounts are taken over");
is(missing(), '', '    each account gets its event');
$bridge{$heir}->resume();
deliver();
is(missing(), '', 'SIGCONT: each account gets its event');
is(twice(), '', '    once');

# SIGTERM: hand-over at once

ok($t->wait_for(sub { sum(watched(qw(one two))) == ACCOUNTS }, 'all',
    WAIT), 'all accounts are watched');
$start = time();
$bridge{$heir}->stop();
ok($t->wait_for(sub { (watched($victim))[0] == ACCOUNTS }, 'take-over',
    2 * LEASE), 'SIGTERM: the other bridge watches all accounts');
cmp_ok(time() - $start, '<', LEASE + 1, '    sooner than a lease ends');
deliver();
is(missing(), '', '    each account gets its event');
is(twice(), '', '    once');

my $log = join('', map { $_->log() } values(%bridge));
unlike($log, qr/boss/, 'no password in the logs');
unlike($log, qr/\[(?:alert|crit|emerg)\]/, 'no error in the logs');

$_->close() for values(%device);
ok($t->wait_for(sub { $bridge{$victim}->metric('accounts_with_device') == 0 },
    'presence'), 'all devices have left');

$bridge{$victim}->stop();
