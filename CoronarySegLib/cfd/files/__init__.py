"""Files of a flow model: STL with named solids, VTP with face numbers, Gmsh, the record beside them, the picture."""
