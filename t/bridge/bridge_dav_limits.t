#!/usr/bin/perl

# Two limits of docs/dav.md: the homes of an account, and the updates of an
# account that wait.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new();
$t->plan(4);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my %book = (book => { 'a.vcf' => '"1"' }, ctag => '1');

# Ten homes, the first of which has the address book

my $page = \&Pimap::FakeDav::multistatus;
my $response = \&Pimap::FakeDav::response;
my @homes = map { "/h$_/" } 1 .. 10;

sub home {
    my ($path) = @_;

    return { body => $page->($response->($path, '<D:resourcetype>'
        . '<D:collection/></D:resourcetype>'),
        $response->("${path}book/", '<D:resourcetype><D:collection/>'
            . '<A:addressbook/></D:resourcetype>')) };
}

my $start = { body => $page->($response->('/', '<D:current-user-principal>'
    . '<D:href>/</D:href></D:current-user-principal><A:addressbook-home-set>'
    . join('', map { "<D:href>$_</D:href>" } @homes)
    . '</A:addressbook-home-set>')) };

$fake->behave({ %book, PROPFIND => $start,
    map { ("PROPFIND $_" => home($_)) } @homes });

my $s = session(path => '/');

is($s->wait_ready(), 'polling', 'ten homes: the session is ready');
is(scalar(grep { $fake->noted(qr/PROPFIND $_/) } @homes), 8,
    '    eight of them are looked at');
$s->stop();

# Updates that wait: one is sent, and 64 wait.

$fake->behave({ %book, PUT => { hang => 1 } });
$s = session();
$s->wait_ready();

my @ids = $s->ask(map { { update => 'dav.put', href => "/book/$_.vcf",
    text => "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n" } } 1 .. 70);
my $last = $s->result($ids[-1]);

is($last->{status}, 'unsent', '70 updates: the last is not taken');
like($last->{detail}, qr/too many updates wait/, '    with the reason');
$s->stop('KILL');


sub session {
    return Pimap::DavSession->new(t => $t, url => $fake->url(), answer => 5000,
        poll_min => 50, poll_max => 50, poke_min => 20, @_)->start();
}
