#!/usr/bin/perl

# vdirsyncer, a client of other people's, and a device that is parked: each
# sees what the other creates, changes and deletes, of contacts and of events,
# on Radicale and on Xandikos.

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

    # One that stays, for it empties no collection.

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
        "$server: parked");
    is($sync->('discover'), 0, 'vdirsyncer finds all')
        or diag($t->read_file("$dir/out"));

    # It creates, changes

    my ($ann, $lunch) = ("$local{card}ann.vcf", "$local{event}lunch.ics");

    $t->write_file($ann, $dav->card('ann', 'Ann'));
    $t->write_file($lunch, $dav->event('lunch', 'Lunch'));
    is($sync->(), 0, 'it creates') or diag($t->read_file("$dir/out"));

    my %event;

    for (1, 2) {
        my $event = $device->event(qr/^(?:Contact|Calendar)Change$/);
        $event{$event->{event}} = $event->{changed}[0];
    }

    my ($card, $meal) = @event{qw(ContactChange CalendarChange)};
    like($card->{content}, qr/FN:Ann\b/, 'the device gets the contact');
    like($meal->{content}, qr/SUMMARY:Lunch\b/, 'and the event');

    $t->write_file($ann, $dav->card('ann', 'Anna'));
    is($sync->(), 0, 'it changes');
    $card = $device->change('ContactChange', $card->{href});
    like($card->{content}, qr/FN:Anna\b/, 'the device gets it');

    # So does the device.

    my $result = $device->update(update => 'dav.put', href => $card->{href},
        etag => $card->{etag}, text => $dav->card('ann', 'Annabel'));
    is($result->{status}, 'done', 'the device changes it');
    is($device->update(update => 'dav.put', href => "${cal}trip.ics",
        text => $dav->event('trip', 'Trip'))->{status}, 'done',
        'and creates an event');
    $sync->();
    like($has->('card'), qr/FN:Annabel/, 'vdirsyncer gets the contact');
    like($has->('event'), qr/SUMMARY:Trip/, 'and the event');

    # Each deletes what the other has made.

    is($device->update(update => 'dav.delete', href => $meal->{href},
        etag => $meal->{etag})->{status}, 'done', 'the device deletes');
    is(unlink(grep { $t->read_file($_) =~ /Annabel/ }
        glob("$local{card}*")), 1, 'vdirsyncer, too');
    is($sync->(), 0, 'it syncs') or diag($t->read_file("$dir/out"));
    unlike($has->('event'), qr/Lunch/, 'and has no event');
    ok(-e $lunch ? 0 : 1, 'nor a file');

    my $gone;

    do { $gone = $device->change('ContactChange', $card->{href}) }
        while $gone->{etag};
    ok($gone->{removed}, 'the device is told');
    is_deeply([sort(keys(%{ $dav->etags($book) }))], ["${book}zoe.vcf"],
        'the server has what is left');
    unlike($device->bridge()->log(), qr/\[error\]|secret/,
        "nothing bad in the bridge's log");

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
