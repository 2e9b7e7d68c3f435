#!/usr/bin/perl

# The demo with contacts and calendars: the command that "make run" prints adds
# a contact, and the page lists the change together with mail.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/../.."); }

use lib 't/lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new();
my $output = $t->dir() . '/output';

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL TO FROM SUBJECT BODY)};
@ENV{qw(PORT TLS_PORT IMAP_PORT DAV_PORT STATE)} = ((map { $t->port($_) }
    qw(http https imap dav)), $t->dir() . '/state');

$t->plan(9);

my $demo = $t->start(command => ['make', 'run'], output => $output);
ok($t->wait_for(sub { $t->read_file($ENV{STATE}) =~ /lmtp/
    || !$demo->running() }, 'the demo', 120) && $demo->running(),
    'the demo runs') or diag($t->read_file($output));

my ($line) = $t->read_file($output) =~ /^  A new contact +(.*)/m;
my $dav = "http://127.0.0.1:$ENV{DAV_PORT}/alice";
my ($dir) = map { m{^(/tmp/pimap-demo\.\w+)/} }
    split(/\n/, $t->read_file($ENV{STATE}));

like($line, qr/\| curl .*\Q$dav\E/,
    '    prints a command that adds a contact');

# The page after a login that the bridge has checked

my $browser = Pimap::Browser->start(t => $t);

$browser->open("http://alice:demo\@127.0.0.1:$ENV{PORT}/");
ok($browser->wait('(document.getElementById("state") || {}).textContent'
    . ' === "Connected as alice"'), 'the page parks');
ok($t->wait_for(sub { alice() }, 'the bridge'),
    '    its collections are found');

is(system("$line >/dev/null 2>&1"), 0, '    the printed command works');
ok(shown('Contacts: 1 changed'), '    the page shows the contact');

is(system(qw(curl -fsS -u alice:demo -X PUT -H),
    'Content-Type: text/calendar', '--data-binary', join("\r\n",
        qw(BEGIN:VCALENDAR VERSION:2.0 PRODID:-//test//EN BEGIN:VEVENT
        UID:e DTSTAMP:20261124T120000Z DTSTART:20261125T120000Z
        SUMMARY:Lunch END:VEVENT END:VCALENDAR), ''),
    "$dav/calendar/e.ics"), 0, '    an event is put into the calendar');
ok(shown('Calendar: 1 changed'), '    the page shows the calendar');

qx(make mail SUBJECT=hello 2>&1);
ok(shown('hello'), '    the page shows mail');

kill('INT', -$demo->pid());
$t->wait_for(sub { !$demo->running() }, 'the end');


# The fields that the bridge has stored for the collections of alice.

sub alice {
    my $keys = qx(redis-cli -s $dir/redis.sock HKEYS 'pimap:{alice}:bridge');

    return $keys =~ /contacts/ && $keys =~ /calendar/;
}


sub shown {
    my ($text) = @_;

    return $browser->wait("[...document.querySelectorAll('#events li')]"
        . ".some(li => li.textContent.includes('$text'))");
}
