#!/usr/bin/perl

# Which collections are watched: all homes that are found from an address, a
# root, a principal or a home, or the configured collection; with their colours
# and components. A device chooses by kind and by collection, and gets the
# events it has missed.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(28);

my $ical = 'http://apple.com/ns/ical/';
my $card = 'http://inf-it.com/ns/ab/';

# The address to begin with

my @all = qw(/alice/book/ /alice/cal/ /alice/tasks/);
my $dav = Pimap::Dav->new(t => $t)->start();

$dav->make('/alice/book/', 'addressbook', 'Friends');
$dav->make('/alice/cal/', 'calendar', 'Work');
calendar('/alice/tasks/', 'Tasks', 'VTODO', '#ff0000ff');

is_deeply(watched($dav, $_), [@all], 'radicale: from ' . ($_ // 'nowhere'))
    for undef, '/', '/%u/', '/alice', '/alice/book/';
like(watched($dav, '/alice/book/nothing/'), qr/neither/,
    'the address does not exist: neither home is found');

# A server that does not name the principal: the configured collection is
# watched.

my $fake = Pimap::FakeDav->new(t => $t)->start();
my $listed = Pimap::FakeDav::multistatus(Pimap::FakeDav::response('/book/',
    '<D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>'));

$fake->behave({ PROPFIND => { body => $listed } });
is_deeply(watched($fake, '/book/'), ['/book/'],
    'the address of an address book: it is watched');
is_deeply(watched($fake, '/book'), ['/book/'],
    '    also without a slash at the end');
like(watched($fake), qr/neither/, 'no address: neither home is found');

my $xandikos = Pimap::Dav->new(t => $t, kind => 'xandikos')->start();
my @homes = ('/alice/calendars/calendar/', '/alice/contacts/addressbook/');

is_deeply(watched($xandikos, $_), [@homes], 'xandikos: from '
    . ($_ // 'nowhere')) for undef, '/', '/%u/', '/alice/contacts/';
$xandikos->stop();

# Properties of collections

my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();
$s->wait_ready();

calendar('/alice/plans/', 'Plans', 'VEVENT', '#00ff00ff');
my $event = $s->event('CalendarCreate');
is_deeply([@{$event}{qw(name color components)}],
    ['Plans', '#00ff00ff', ['VEVENT']],
    'a new calendar: the event has its colour');

colour('/alice/plans/', $ical, 'calendar-color', '#0000ffff');
$event = $s->event('CalendarUpdate');
is_deeply([@{$event}{qw(name oldName color)}], ['Plans', undef, '#0000ffff'],
    'a calendar has a new colour: the event has it');
colour('/alice/book/', $card, 'addressbook-color', '#123456ff');
is($s->event('AddressBookUpdate')->{color}, '#123456ff',
    'an address book has a new colour: the event has it');
$dav->rename('/alice/plans/', 'Trips');
$event = $s->event('CalendarUpdate');
is_deeply([@{$event}{qw(name oldName color)}], ['Trips', 'Plans',
    '#0000ffff'], 'a calendar has a new name: the event has it');
is($dav->delete('/alice/plans/'), 200, 'a calendar is deleted');
is($s->event('CalendarDelete')->{collection}, '/alice/plans/',
    '    the event names it');
$s->stop();

%{ $s->states() } = ();
$s->start(max_collections => 2);
ok($s->line(sub { ($_[0]{text} // '') =~ /too many collections/ }),
    'more collections than the limit: the log says so');
is($s->wait_ready(), 'polling', '    the session is ready');
is(scalar(grep { /^\tdav:/ } keys(%{ $s->states() })), 2,
    '    the other collections are watched');
$s->stop();

# A device with a filter

my $device = Pimap::DavDevice->new(t => $t, url => $dav->url())->start();

ok($device->park(query => 'types=ContactCard') && $device->wait_watched(),
    'the device asks for contacts only');
$dav->put('/alice/cal/1.ics', $dav->event('1', 'Lunch'));
$dav->put('/alice/book/1.vcf', $dav->card('1', 'Ann'));
my $first = $device->{stream}->event();
is("$first->{event} $first->{json}{changed}[0]{href}",
    'ContactChange /alice/book/1.vcf',
    'the device gets a contact and no calendar event');
$device->{stream}->close();

# The device resumes with another filter: a calendar.

$dav->put('/alice/book/2.vcf', $dav->card('2', 'Bob'));
$dav->put('/alice/tasks/2.ics', $dav->event('2', 'Buy'));
$t->wait_for(sub { $device->bridge()->metric('events_published_total') >= 4 },
    'events');
ok($first->{id}, 'the first event has an id');
$device->park(query => 'collections=/alice/tasks/',
    headers => { 'Last-Event-ID' => $first->{id} });
like($device->change('CalendarChange', '/alice/tasks/2.ics')->{etag}, qr/./,
    'the device gets the events it has missed');
$dav->put('/alice/cal/3.ics', $dav->event('3', 'Dinner'));
$dav->put('/alice/tasks/3.ics', $dav->event('3', 'Sell'));
my ($next) = grep { $_->{event} ne 'ping' } $device->{stream}->event();
is($next->{json}{collection}, '/alice/tasks/',
    'the device gets only events of its calendar');
is($next->{json}{changed}[0]{href}, '/alice/tasks/3.ics',
    'the next event is the latest');

$device->stop();


# The watched collections, or the reason for none.

sub watched {
    my ($server, $path) = @_;

    my $s = Pimap::DavSession->new(t => $t, url => $server->url(),
        defined $path ? (path => $path) : ())->start();
    my $line = $s->line(sub { $_[0]{what} =~ /^(?:ready|failed)$/ });

    $s->stop();

    return $line->{why} if $line->{what} eq 'failed';
    return [sort(map { /^\tdav:(.*)/ } keys(%{ $s->states() }))];
}


sub calendar {
    my ($path, $name, $component, $color) = @_;

    return $dav->request('MKCALENDAR', $path, <<END, 'Content-Type' =>
<?xml version="1.0"?>
<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"
xmlns:I="$ical"><D:set><D:prop><D:displayname>$name</D:displayname>
<I:calendar-color>$color</I:calendar-color>
<C:supported-calendar-component-set><C:comp name="$component"/>
</C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>
END
        'application/xml');
}


sub colour {
    my ($path, $ns, $name, $color) = @_;

    return $dav->request('PROPPATCH', $path, <<END, 'Content-Type' =>
<?xml version="1.0"?>
<D:propertyupdate xmlns:D="DAV:" xmlns:X="$ns"><D:set><D:prop>
<X:$name>$color</X:$name></D:prop></D:set></D:propertyupdate>
END
        'application/xml');
}
