#!/usr/bin/perl

# vdirsyncer, a client of another project, and a parked device on Radicale and
# Xandikos. Each sees the contacts and calendar events that the other creates,
# changes and deletes.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;

my %books = (radicale => ['/alice/book/', '/alice/cal/'],
    xandikos => ['/alice/contacts/addressbook/',
        '/alice/calendars/calendar/']);
my @servers = sort(keys(%books));
my %t = map { $_ => Pimap->new(Pimap::DavDevice->nginx()) } @servers;

$t{radicale}->plan(@servers * 19);

foreach my $server (@servers) {
    my $t = $t{$server};
    my ($book, $cal) = @{ $books{$server} };
    my $dav = Pimap::Dav->new(t => $t, kind => $server)->start();
    my $device = Pimap::DavDevice->new(t => $t, url => $dav->url());

    if ($server eq 'radicale') {
        $dav->make($book, 'addressbook', 'Friends');
        $dav->make($cal, 'calendar', 'Work');
    }

    # An object that stays, because vdirsyncer empties no collection.

    $dav->put("${book}zoe.vcf", $dav->card('zoe', 'Zoe'));
    $dav->put("${cal}stays.ics", $dav->event('stays', 'Stays'));

    my $dir = $t->dir() . '/local';
    my %local = (card => $dir . $book =~ s{^/alice(?:/contacts)?}{/cards}r,
        event => $dir . $cal =~ s{^/alice(?:/calendars)?}{/events}r);

    mkdir($_) for $dir, "$dir/cards", "$dir/events", values(%local);
    $t->write_file("$dir/config", "[general]\nstatus_path = \"$dir/status\"\n"
        . pair($dav, $dir, 'cards', 'carddav', '.vcf', $local{card})
        . pair($dav, $dir, 'events', 'caldav', '.ics', $local{event}));

    my $sync = sub {
        my $what = shift // 'sync';
        return system("VDIRSYNCER_CONFIG=$dir/config vdirsyncer -v WARNING "
            . "$what >>$dir/out 2>&1 </dev/null");
    };
    my $has = sub {
        my ($kind) = @_;
        return join('', map { $t->read_file($_) } glob("$local{$kind}*"));
    };

    ok($device->start()->park() && $device->wait_watched(),
        "$server: the device is parked");
    is($sync->('discover'), 0, 'vdirsyncer finds the collections')
        or diag($t->read_file("$dir/out"));

    # vdirsyncer creates and changes

    my ($ann, $lunch) = ("$local{card}ann.vcf", "$local{event}lunch.ics");

    $t->write_file($ann, $dav->card('ann', 'Ann'));
    $t->write_file($lunch, $dav->event('lunch', 'Lunch'));
    is($sync->(), 0, 'it creates') or diag($t->read_file(
        "vdirsyncer creates a contact and a calendar event"));

    my %event;

    for (1, 2) {
        my $event = $device->event(qr/^(?:Contact|Calendar)Change$/);
        $event{$event->{event}} = $event->{changed}[0];
    }

    my ($card, $meal) = @event{qw(ContactChange CalendarChange)};
    like($card->{content}, qr/FN:Ann\b/, 'the device gets the contact');
    like($meal->{content}, qr/SUMMARY:Lunch\b/,
        'the device gets the calendar event');

    $t->write_file($ann, $dav->card('ann', 'Anna'));
    is($sync->(), 0, 'vdirsyncer changes the contact');
    $card = $device->change('ContactChange', $card->{href});
    like($card->{content}, qr/FN:Anna\b/, 'the device gets the change');

    # The device changes and creates.

    my $result = $device->update(update => 'dav.put', href => $card->{href},
        etag => $card->{etag}, text => $dav->card('ann', 'Annabel'));
    is($result->{status}, 'done', 'the device changes the contact');
    is($device->update(update => 'dav.put', href => "${cal}trip.ics",
        text => $dav->event('trip', 'Trip'))->{status}, 'done',
        'the device creates a calendar event');
    $sync->();
    like($has->('card'), qr/FN:Annabel/, 'vdirsyncer gets the contact');
    like($has->('event'), qr/SUMMARY:Trip/,
        'vdirsyncer gets the calendar event');

    # Each deletes an object of the other.

    is($device->update(update => 'dav.delete', href => $meal->{href},
        etag => $meal->{etag})->{status}, 'done',
        'the device deletes a calendar event');
    is(unlink(grep { $t->read_file($_) =~ /Annabel/ }
        glob("$local{card}*")), 1, 'a local contact is deleted');
    is($sync->(), 0, 'it syncs') or diag($t->read_file("vdirsyncer syncs"));
    unlike($has->('event'), qr/Lunch/,
        '    it does not have the calendar event');
    ok(-e $lunch ? 0 : 1, '    the local file is gone');

    my $gone;

    do { $gone = $device->change('ContactChange', $card->{href}) }
        while $gone->{etag};
    ok($gone->{removed}, 'the device gets the removal of the contact');
    is_deeply([sort(keys(%{ $dav->etags($book) }))], ["${book}zoe.vcf"],
        'the server has the remaining objects');
    unlike($device->bridge()->log(), qr/\[error\]|secret/,
        "no error in the log of the bridge");

    $device->stop();
}


sub pair {
    my ($dav, $dir, $name, $type, $ext, $local) = @_;

    my ($collection) = $local =~ m{([^/]+)/$};

    return <<END;
[pair $name]
a = "${name}_local"
b = "${name}_remote"
collections = ["$collection"]
conflict_resolution = "b wins"
[storage ${name}_local]
type = "filesystem"
path = "$dir/$name"
fileext = "$ext"
[storage ${name}_remote]
type = "$type"
url = "@{[ $dav->url() ]}"
username = "alice"
password = "secret"
END
}
