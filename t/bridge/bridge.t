#!/usr/bin/perl

# The whole way: a device logs in as a mail user and parks, mail arrives at a
# Dovecot that publishes nothing, and the bridge tells the device; once, also
# what came while the bridge or Redis was away.

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

# A login that is not good, and one that is

is(park('wrong')->status(), 401, 'a wrong password');

my $s = park('secret');
ok($s->read_until(qr/^: parked\n\n/m), 'parked');
ok($bridge->watches(1), 'watched');

# Mail, flags, and what the device is told

$dovecot->deliver(to => 'alice', subject => '=?utf-8?q?Gr=C3=BC=C3=9Fe?=');

my $event = $s->event() // {};
is($event->{event}, 'MessageNew', 'new mail');
is($event->{json}{mailbox}, 'INBOX', 'in INBOX');
is($event->{json}{uid}, 1, 'uid');
is($event->{json}{subject}, "Gr\xfc\xdfe", 'subject');

$imap->command('NOOP');
$imap->command('STORE 1 +FLAGS (\Flagged)');
$event = $s->event() // {};
is($event->{event}, 'FlagsSet', 'a flag');
is_deeply($event->{json}{uids}, [1], 'of this message');

# Exactly what was missed: the bridge ends, mail comes, it begins again.

sub subjects {
    my ($n) = @_;

    return join(' ', map {
        my $e = $s->event() // {};
        ($e->{event} // '') eq 'MessageNew' ? $e->{json}{subject} : '?'
    } 1 .. $n);
}

$bridge->stop();
is($t->redis()->command('EXISTS', 'pimap:{alice}:lease'), 0,
    'TERM: the lease is handed back');
like($t->read_file($t->dir() . '/bridge.log'), qr/ends$/m, 'as the log says');
$dovecot->deliver(to => 'alice', subject => "away$_") for 1 .. 3;
ok($s->quiet(0.2), 'nobody tells');

$bridge->start();
is($bridge->auth('alice', 'secret'), 'alice', 'a new login');
is(subjects(3), 'away1 away2 away3', 'what was missed, once');
ok($bridge->watches(1), 'watched again');

$bridge->kill();
$dovecot->deliver(to => 'alice', subject => 'killed');
$bridge->start();
$bridge->auth('alice', 'secret');
is(subjects(1), 'killed', 'kill -9: what was missed, once');
ok($bridge->watches(1), 'watched again');

# Dovecot goes

$dovecot->kill();
ok($bridge->watches(0), 'the server is gone');
$dovecot->start();
ok($bridge->watches(1), 'and watched again when it is back');
$dovecot->deliver(to => 'alice', subject => 'back');
is(subjects(1), 'back', 'goes on');

# Redis does not answer for a while

$t->redis()->pause();
$dovecot->deliver(to => 'alice', subject => "deaf$_") for 1, 2;
ok($t->wait_for(sub { !$bridge->healthy() }, 'health', 20),
    'without Redis it is not healthy');
$t->redis()->resume();
is(subjects(2), 'deaf1 deaf2', 'once, when Redis is back');
ok($t->wait_for(sub { $bridge->healthy() }, 'health'), 'healthy');

# The last device leaves

$s->close();
ok($bridge->watches(0), 'not watched any more, after the linger time');
is($t->redis()->command('EXISTS', 'pimap:{alice}:lease'), 0, 'no lease');

# Nothing of all this in a log

my $logs = $bridge->log() . $t->log();
unlike($logs, qr/secret|wrong|c2VjcmV0/, 'no password in a log');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in its log');
is($bridge->metric('events_invalid_total'), 0, 'no invalid event');
$bridge->stop();
ok($bridge->{process}->ended_well(), 'it ends well');
