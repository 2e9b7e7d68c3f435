#!/usr/bin/perl

# From end to end: a device logs in as a mail user and parks, mail arrives at a
# Dovecot that publishes nothing, and the bridge publishes an event. Each event
# comes once, also for mail that arrived while the bridge or Redis was away.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(29);

my $bridge = Pimap::Bridge->new(t => $t, sessions => 'linger = "1s";');

$t->nginx()->{locations} .= $bridge->auth_location() . <<"END";
        location = /mine {
@{[ $bridge->login() ]}
            pimap_events;
        }
END

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    main => 'auth_failure_delay = 0')->start();
my $imap = $dovecot->imap();
$imap->command('SELECT INBOX');

$bridge->start();

sub park {
    my ($password, @headers) = @_;

    return $t->request('GET', '/mine', headers =>
        { $bridge->basic('alice', $password), @headers });
}

# A refused login and an accepted login

is(park('wrong')->status(), 401, 'a wrong password: 401');

my $s = park('secret');
ok($s->read_until(qr/^event: parked\n.*\n\n/m),
    'the right password: the device is parked');
ok($bridge->watches(1), 'the bridge watches the account');

# Mail and flags, and the events of the device

$dovecot->deliver(to => 'alice', subject => '=?utf-8?q?Gr=C3=BC=C3=9Fe?=');

my $event = $s->event() // {};
is($event->{event}, 'MessageNew', 'new mail: the device gets an event');
is($event->{json}{mailbox}, 'INBOX', '    its mailbox is INBOX');
is($event->{json}{uid}, 1, '    its UID');
is($event->{json}{subject}, "Gr\xfc\xdfe", '    its subject');

$imap->command('NOOP');
$imap->command('STORE 1 +FLAGS (\Flagged)');
$event = $s->event() // {};
is($event->{event}, 'FlagsSet', 'a flag is set: the device gets an event');
is_deeply($event->{json}{uids}, [1], '    with the UID of the message');

# The bridge stops, mail arrives, the bridge starts: exactly the missed events.

sub subjects {
    my ($n) = @_;

    return join(' ', map {
        my $e = $s->event() // {};
        ($e->{event} // '') eq 'MessageNew' ? $e->{json}{subject} : '?'
    } 1 .. $n);
}

$bridge->stop();
is($t->redis()->command('EXISTS', 'pimap:{alice}:lease'), 0,
    'SIGTERM: the bridge releases the lease');
like($t->read_file($t->dir() . '/bridge.log'), qr/ends$/m,
    '    the log says that the bridge ends');
$dovecot->deliver(to => 'alice', subject => "away$_") for 1 .. 3;
ok($s->quiet(0.2), 'the bridge is stopped: no event comes');

$bridge->start();
is($bridge->auth('alice', 'secret'), 'alice',
    'the bridge is started: a login is accepted');
is(subjects(3), 'away1 away2 away3', '    the missed events come once');
ok($bridge->watches(1), '    the account is watched again');

$bridge->kill();
$dovecot->deliver(to => 'alice', subject => 'killed');
$bridge->start();
$bridge->auth('alice', 'secret');
is(subjects(1), 'killed', 'kill -9: the missed event comes once');
ok($bridge->watches(1), '    the account is watched again');

# Dovecot stops

$dovecot->kill();
ok($bridge->watches(0), 'Dovecot is stopped: the account is not watched');
$dovecot->start();
ok($bridge->watches(1), 'Dovecot is started: the account is watched again');
$dovecot->deliver(to => 'alice', subject => 'back');
is(subjects(1), 'back', '    an event comes');

# Redis does not answer for some seconds

$t->redis()->pause();
$dovecot->deliver(to => 'alice', subject => "deaf$_") for 1, 2;
ok($t->wait_for(sub { !$bridge->healthy() }, 'health'),
    'Redis does not answer: the bridge is not healthy');
$t->redis()->resume();
is(subjects(2), 'deaf1 deaf2',
    'Redis answers again: the missed events come once');
ok($t->wait_for(sub { $bridge->healthy() }, 'health'),
    '    the bridge is healthy');

# The last device leaves

$s->close();
ok($bridge->watches(0),
    'the last device has left: the watch ends after the linger time');
is($t->redis()->command('EXISTS', 'pimap:{alice}:lease'), 0,
    '    the lease is released');

# No secret in the logs

my $logs = $bridge->log() . $t->log();
unlike($logs, qr/secret|wrong|c2VjcmV0/, 'no password in a log');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/,
    'no error in the log of the bridge');
is($bridge->metric('events_invalid_total'), 0, 'no invalid event');
$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');
