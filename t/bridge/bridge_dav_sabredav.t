#!/usr/bin/perl

# A server of sabre/dav with the plugin of integrations/sabredav: a device gets
# the changes of other clients at once, though the bridge polls once an hour.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dav;
use Pimap::Dovecot;

my ($debian) = Pimap->read_file('/etc/os-release') =~ /^VERSION_ID="(.*)"/m;

plan(skip_all => 'Debian 13 has no sabre/dav')
    if !-e '/usr/share/php/Sabre/autoload.php' && ($debian // '') ne '12';

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(11);

my $bridge = Pimap::Bridge->new(t => $t, sessions => 'linger = "60s";');
my $dav = Pimap::Dav->new(t => $t, kind => 'sabredav',
    env => { PIMAP_BRIDGE => 'http://127.0.0.1:' . $bridge->port() })->start();

$bridge->{server} = 'mail = false; dav = { url = "' . $dav->url()
    . '"; poll_min = "1h"; poll_max = "1h"; poke_min = "50ms"; '
    . 'content = 4096; };';

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();
my ($book, $cal) = ('/addressbooks/alice/book/', '/calendars/alice/cal/');

is($dav->make($book, 'addressbook', 'Friends'), 201, 'an address book');
is($dav->put("${book}0.vcf", $dav->card('0', 'Zero')), 201, 'a contact');

$bridge->start();
$bridge->auth('alice', 'secret');

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $bridge->log() =~ /watching contacts/ }),
    'contacts and calendars are watched');

sub event {
    my ($name) = @_;

    while (my $event = $s->event()) {
        return $event->{json} if $event->{event} eq $name;
    }

    return {};
}

$dav->put("${book}1.vcf", $dav->card('1', 'Ann'));
my $event = event('ContactChange');
is($event->{changed}[0]{href}, "${book}1.vcf", 'a new contact: an event');
like($event->{changed}[0]{content}, qr/FN:Ann/, '    with its text');

$dav->put("${book}1.vcf", $dav->card('1', 'Anna'));
like(event('ContactChange')->{changed}[0]{content}, qr/FN:Anna/,
    'a changed contact: an event');

$dav->make($cal, 'calendar', 'Work');
is(event('CalendarCreate')->{name}, 'Work', 'a new calendar: an event');

$dav->put("${cal}e.ics", $dav->event('e', 'Lunch'));
is(event('CalendarChange')->{changed}[0]{href}, "${cal}e.ics",
    'a new entry of a calendar: an event');

$dav->rename($cal, 'Job');
is(event('CalendarUpdate')->{name}, 'Job', 'a renamed calendar: an event');

$dav->delete("${cal}e.ics");
is_deeply(event('CalendarChange')->{removed}, ["${cal}e.ics"],
    'a deleted entry: an event');

$dav->delete($cal);
is(event('CalendarDelete')->{collection}, $cal,
    'a deleted calendar: an event');

$s->close() if $s->can('close');
$bridge->stop();
$dav->stop();
