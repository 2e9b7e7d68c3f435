#!/usr/bin/perl

# Contacts and calendars with the whole bridge. A device that has logged in as
# a mail user gets the changes of other clients, its updates reach the server,
# a poke replaces polling, and nothing is published twice after a restart. Mail
# is left to its store if the store publishes.

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
$t->plan(21);

my $bridge = Pimap::Bridge->new(t => $t, sessions => 'linger = "60s";');
my $dav = Pimap::Dav->new(t => $t, hook => $t->root()
    . '/integrations/radicale/pimap-poke %(user)s',
    env => { PIMAP_BRIDGE => 'http://127.0.0.1:' . $bridge->port() })->start();

$bridge->{server} = 'mail = false; dav = { url = "' . $dav->url()
    . '"; poll_min = "1h"; poll_max = "1h"; poke_min = "50ms"; '
    . 'content = 4096; };';

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

$dav->make('/alice/book/', 'addressbook', 'Friends');
$dav->put('/alice/book/0.vcf', $dav->card('0', 'Zero'));

$bridge->start();
is($bridge->auth('alice', 'secret'), 'alice', 'a login is accepted');

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $bridge->log() =~ /watching contacts/ }),
    'contacts and calendars are watched');

my $redis = $t->redis();

sub event {
    my ($name) = @_;

    while (my $event = $s->event()) {
        return $event->{json} if $event->{event} eq $name;
    }

    return {};
}

sub update {
    my ($id, %update) = @_;

    $redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
        'pimap:updates', 100, 'phone', $id,
        $t->json({ id => $id, %update }));

    return event('UpdateResult');
}

# The hook of Radicale pokes the bridge; the poll interval is an hour.

$dav->put('/alice/book/1.vcf', $dav->card('1', 'Ann'));
my $event = event('ContactChange');
is($event->{changed}[0]{href}, '/alice/book/1.vcf',
    'a client puts a card: an event comes at once');
like($event->{changed}[0]{content}, qr/FN:Ann/, '    with its text');

$dav->make('/alice/cal/', 'calendar', 'Work');
is(event('CalendarCreate')->{name}, 'Work',
    'a client makes a calendar: an event comes');

my $result = update('u1', update => 'dav.put', href => '/alice/cal/e.ics',
    text => $dav->event('e', 'Lunch'));
is("$result->{update} $result->{status}", 'u1 done',
    'a device puts a calendar event: done')
    or diag($t->json($result));
like($dav->get('/alice/cal/e.ics'), qr/Lunch/, '    other clients see it');
is(event('CalendarChange')->{changed}[0]{href}, '/alice/cal/e.ics',
    '    devices get an event');

is(update('u2', update => 'dav.put', href => '/bob/cal/e.ics',
    text => $dav->event('e', 'Lunch'))->{status}, 'invalid',
    'an update of another account: invalid');
is(scalar(@{ update('u3', update => 'dav.get',
    hrefs => ['/alice/cal/e.ics'])->{objects} }), 1,
    'dav.get returns the object');

$dovecot->deliver(to => 'alice', subject => 'hello');
ok($s->quiet(2), 'new mail is not published');

# Changes while the bridge is stopped: exactly these are published later.

$bridge->stop();
$dav->put('/alice/book/2.vcf', $dav->card('2', 'Bob'));
$bridge->start();
$bridge->auth('alice', 'secret');
is_deeply([map { $_->{href} } @{ event('ContactChange')->{changed} }],
    ['/alice/book/2.vcf'], 'the missed change is published once');

# The server is away for a while

$dav->stop();
$bridge->kill();
$bridge->start();
$bridge->auth('alice', 'secret');
ok($t->wait_for(sub { $bridge->log() =~ /DAV: .*connect/ }),
    'the server is away: the log says so');
$dav->start();
$dav->put('/alice/book/3.vcf', $dav->card('3', 'Carl'));
is(event('ContactChange')->{changed}[0]{href}, '/alice/book/3.vcf',
    'the server is back: a change is published');

# A program may spell the account in another way.

my $pokes = $bridge->metric('dav_pokes_total');

is($bridge->get('POST /poke?account=ALICE')->{status}, 204, 'a poke of ALICE');
ok($t->wait_for(sub { $bridge->metric('dav_pokes_total') > $pokes }, 'a poke'),
    '    is one of alice');
like($bridge->get('/accounts?account=Alice')->{body}, qr/"account":"alice"/,
    '    and so is a question about Alice');

$redis->command('PUBLISH', 'pimap:poke', 'nobody');
ok($bridge->healthy(), 'the bridge is healthy');
unlike($bridge->log(), qr/secret/, 'no password in the log');
unlike($bridge->log() =~ s/.*DAV: .* to connect .*//r, qr/\[error\]/,
    'no other error in the log');
is($bridge->get('/poke?account=alice')->{status}, 405, 'a poke by GET: 405');

$s->close() if $s->can('close');
$bridge->stop();
$dav->stop();
