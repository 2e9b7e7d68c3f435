package Pimap::Codec;

# The module's event codec, for tests that compare other code with it.

use strict;
use warnings;


# Compiles t/lib/codec.c.

sub new {
    my ($class, $t) = @_;

    my $root = $t->root();
    my $file = $t->dir() . '/codec';

    system('cc', '-g', '-O1', "-I$root/pimap", "-I$root/t/unit", '-o', $file,
        "-DPIMAP_LUA=\"$root/redis/pimap.lua\"",
        "$root/t/lib/codec.c", glob("$root/pimap/*.c"), '-ljansson') == 0
        or die "codec.c does not compile\n";

    return bless({ file => $file, t => $t }, $class);
}


# Names of events and of JMAP types, and those that belong together.

sub types {
    my ($self) = @_;

    my $source = $self->{t}->read_file(
        $self->{t}->root() . '/pimap/pimap_types.c');
    my @names = $source =~ /pimap_m(?:ask|erge)\("(\w+)"/g;

    my %types = map { $_ => [] } @names;

    for my $line ($self->_lines('types', @names)) {
        my ($event, $type) = split(/ /, $line);
        push(@{ $types{$event} }, $type);
    }

    return \%types;
}


# The payloads of the codec's own test.

sub payloads {
    my ($self) = @_;
    return map { pack('H*', $_) } $self->_lines('payloads');
}


# For each text an array of the status and, if that is "ok", the text for
# devices.

sub parse {
    my ($self, @texts) = @_;

    my $file = $self->{t}->write_file($self->{file} . '.in',
        join('', map { unpack('H*', $_) . "\n" } @texts));

    open(STDIN, '<', $file) or die "$file: $!\n";

    return map { [split(/\t/, $_, 2)] } $self->_lines('parse');
}


sub _lines {
    my ($self, @args) = @_;

    open(my $fh, '-|', $self->{file}, @args) or die "$self->{file}: $!\n";

    my @lines = <$fh>;

    close($fh) or die "codec @args: $?\n";
    chomp(@lines);

    return @lines;
}


1;
