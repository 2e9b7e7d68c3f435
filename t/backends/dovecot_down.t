#!/usr/bin/perl

# A delivery into Dovecot does not fail and waits less than a second when
# nothing listens on the publish location, or something that never answers.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(15);

my $url = 'http://user:s3cret@127.0.0.1:' . $t->port('endpoint') . '/publish';
my $subject = 'confidential';

my $dovecot = Pimap::Dovecot->new(t => $t, url => $url, hasty => 1);

# The shortest of three deliveries: whatever else the machine does adds to it.

sub shortest {
    my ($dovecot, $to) = @_;

    my ($shortest) = sort { $a <=> $b }
        map { $dovecot->deliver(to => $to, subject => $subject) } 1 .. 3;

    note(sprintf('%.3f s', $shortest));
    return $shortest;
}

# So many lines say so, and not more.

sub are_said {
    my ($n, $what) = @_;

    my $said = sub {
        scalar(() = $dovecot->log() =~ /pimap: publishing failed/g)
    };

    $t->wait_for(sub { $said->() >= $n }, 'the lines');
    is($said->(), $n, $what);
}

$dovecot->start();

cmp_ok(shortest($dovecot, 'down'), '<', 1, 'refused');
are_said(3, 'a line for each recipient');

my $silent = IO::Socket::INET->new(Listen => 100, LocalAddr => '127.0.0.1',
    LocalPort => $t->port('endpoint'));

cmp_ok(shortest($dovecot, 'silent'), '<', 1, 'silent');

my $imap = $dovecot->imap('silent');
$imap->command('SELECT INBOX');
are_said(6, 'and again');

my $before = time();
$imap->command('STORE 1:* +FLAGS (\Flagged)');
$imap->command('STORE 1:* -FLAGS (\Flagged)') for 1 .. 10;
cmp_ok(time() - $before, '<=', 2, 'a session waits once');
are_said(7, 'a line for the session');
like($imap->command('STATUS INBOX (MESSAGES)'), qr/MESSAGES 3/, 'delivered');

unlike($dovecot->log(), qr/s3cret|$subject/, 'nothing secret is logged');
$imap->logout();
$dovecot->stop();

# With a state file, all share the incident.

my $state = $t->dir() . '/dovecot/pimap-state';

$dovecot = Pimap::Dovecot->new(t => $t, url => $url, state => $state,
    hasty => 1);
unlink($t->dir() . '/dovecot/log');
$dovecot->start();

my ($first) = sort { $a <=> $b } map {
    unlink($state);
    $dovecot->deliver(to => 'one', subject => $subject);
} 1 .. 3;

cmp_ok($first, '<', 1, 'the first one of an incident');
cmp_ok(shortest($dovecot, 'one'), '<', 0.5, 'the others at once');
are_said(3, 'a line for each incident');

# The endpoint is there again.

close($silent);
$t->redis()->start();
$t->nginx()->{server} = 'listen 127.0.0.1:' . $t->port('endpoint') . ';';
$t->nginx()->start();

my $s = $t->park('one');
ok($s->read_until(qr/^: parked\n\n/m), 'parked');
ok($t->subscribed('one'), 'subscribed');

ok($t->wait_for(sub {
    $dovecot->deliver(to => 'one', subject => $subject);
    return $s->event(0.2);
}, 'an event'), 'delivered again');
ok($t->wait_for(sub {
    $dovecot->log() =~ /Info: pimap: publishing again/
}, 'the log'), 'and logged');
