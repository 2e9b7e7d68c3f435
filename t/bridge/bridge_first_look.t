#!/usr/bin/perl

# Devices park, and mail, contacts and calendars change, before the bridge
# looks at the account for the first time.  After that look the devices are
# told to look themselves, once.  A device that parks later is told nothing,
# and a session that has failed before does not lose it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dav;
use Pimap::Dovecot;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(14);

my $dav = Pimap::Dav->new(t => $t)->start();
my $bridge = Pimap::Bridge->new(t => $t, sessions => 'backoff_max = "300ms";',
    server => 'dav = { url = "' . $dav->url() . '"; poll_min = "300ms"; '
    . 'poll_max = "300ms"; };');

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

$dovecot->imap()->command("CREATE $_") for 'Lists', 'Drafts';
$dav->make('/alice/book/', 'addressbook', 'Friends');
$dav->make('/alice/team/', 'addressbook', 'Team');
$dav->make('/alice/cal/', 'calendar', 'Days');

# The device parks while the DAV server is away; later the mail server is.  A
# bridge that starts asks parked devices for their logins, so the user logs in
# before.

$dav->stop();
$bridge->start()->wait_healthy();
is($bridge->auth('alice', 'secret'), 'alice', 'a user logs in');

my ($s, $id) = park('phone');

is(events('MailboxResync'), '{"event":"MailboxResync"}',
    'the first look at mail: one event for all mailboxes');
ok($bridge->watches(1), '    the account is watched');
ok(wait_log(qr/DAV: .*(?:connect|refused)/i), 'the DAV server is away');

$dovecot->stop();
ok(wait_log(qr/"alice": session with .* ended/), 'a session fails');
$dav->start();
$dav->put('/alice/book/1.vcf', $dav->card('1', 'Ann'));
$dovecot->start();
is($bridge->auth('alice', 'secret'), 'alice', 'a user logs in');
is(events('ContactChange', 'CalendarChange'), join(' ',
    '{"event":"ContactChange","all":true}',
    '{"event":"CalendarChange","all":true}'),
    'the first look at contacts and calendars: an event for each kind');

# From then on each change is told, and nothing twice

$dav->put('/alice/team/2.vcf', $dav->card('2', 'Bob'));
is($s->event()->{json}{collection}, '/alice/team/', 'a change: its event');

$s->close();
$bridge->stop();
$bridge->start()->wait_healthy();
$bridge->auth('alice', 'secret');
($s) = park('phone');
ok($bridge->watches(1), 'the bridge starts again');
$dovecot->deliver(to => 'alice', subject => 'one');
is($s->event()->{event}, 'MessageNew', '    no look is told again');
ok($s->quiet(1), '    nor later');

# Devices that come now, or come back

my ($late) = park('late');
ok($late->quiet(1), 'a device that parks later is told nothing');

my $back = $t->park('alice', query => 'device=back', headers =>
    { 'Last-Event-ID' => $id });
$back->{looks} = 1;
is(join(' ', map { $back->event()->{event} } 1 .. 5), 'MailboxResync '
    . 'ContactChange CalendarChange ContactChange MessageNew',
    'a device that was parked before, and comes back, is told');
$_->close() for $s, $late, $back;
$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');


# A device, and the id from which it gets events.

sub park {
    my $s = $t->park('alice', query => "device=$_[0]");

    $s->{looks} = 1;
    return ($s, $s->read_until(qr/: parked\n.*\n\n/) =~ /^id: (\S+)/m);
}


# The text of as many events as there are names, if they have these.

sub events {
    return join(' ', map {
        my $event = $s->event();
        $event->{event} eq $_ ? $event->{data} : "$event->{event}?"
    } @_);
}


sub wait_log {
    my ($re) = @_;
    return $t->wait_for(sub { $bridge->log() =~ $re }, "$re");
}
